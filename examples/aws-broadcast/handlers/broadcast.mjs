// One function for all routes: who connects is known to the others, and what one says the others hear.

import { ApiGatewayManagementApiClient, DeleteConnectionCommand, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import { add, ids, remove } from './listeners.mjs';

export async function handler({ requestContext, body }) {
  const { routeKey, connectionId, domainName, stage } = requestContext;
  const client = new ApiGatewayManagementApiClient({ endpoint: `https://${domainName}/${stage}` });
  switch (routeKey) {
    case '$connect':
      await add(connectionId);
      break;
    case '$disconnect':
      await remove(connectionId);
      break;
    case 'leave':
      await client.send(new DeleteConnectionCommand({ ConnectionId: connectionId }));
      break;
    default:
      await broadcast(client, body, connectionId);
  }
  return { statusCode: 200 };
}

async function broadcast(client, Data, sender) {
  const others = (await ids()).filter((id) => id !== sender);
  const sent = await Promise.allSettled(others.map((ConnectionId) => client.send(new PostToConnectionCommand({ ConnectionId, Data }))));
  const gone = others.filter((_id, index) => sent[index].reason?.$metadata?.httpStatusCode === 410);
  await Promise.all(gone.map(remove));
}
