// A chat as it is written for AWS Lambda behind a WebSocket API of Amazon API Gateway: $connect notes who is there,
// sendmessage tells all, 410 (GoneException) takes out who has left. Nothing in it knows of this gateway.
//
// A Map stands for the table of connections, so that it runs without DynamoDB; everything else is as on AWS.

import { ApiGatewayManagementApiClient, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';

const connections = new Map();

export const handler = async (event) => {
  const { routeKey, connectionId, domainName, stage } = event.requestContext;
  switch (routeKey) {
    case '$connect':
      connections.set(connectionId, event.queryStringParameters?.name ?? 'somebody');
      return { statusCode: 200 };
    case '$disconnect':
      connections.delete(connectionId);
      return { statusCode: 200 };
    case 'sendmessage':
      await broadcast(`https://${domainName}/${stage}`, `${connections.get(connectionId)}: ${JSON.parse(event.body).message}`);
      return { statusCode: 200 };
    default:
      return { statusCode: 400, body: 'send {"action":"sendmessage","message":"…"}' };
  }
};

async function broadcast(endpoint, message) {
  const client = new ApiGatewayManagementApiClient({ endpoint });
  const posts = [...connections.keys()].map(async (ConnectionId) => {
    try {
      await client.send(new PostToConnectionCommand({ ConnectionId, Data: message }));
    } catch (error) {
      if (error.name !== 'GoneException') throw error;
      connections.delete(ConnectionId);
    }
  });
  await Promise.all(posts);
}
