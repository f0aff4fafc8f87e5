const { ApiGatewayManagementApiClient, PostToConnectionCommand } = require('@aws-sdk/client-apigatewaymanagementapi');
const table = require('./table.js');

exports.handler = async (event) => {
  const { domainName, stage, connectionId } = event.requestContext;
  const client = new ApiGatewayManagementApiClient({ endpoint: `https://${domainName}/${stage}` });
  const { text, tab } = JSON.parse(event.body);
  const { name } = await table.get(connectionId);
  const Data = JSON.stringify({ name, text, tab });

  const post = async (ConnectionId) => {
    try {
      await client.send(new PostToConnectionCommand({ ConnectionId, Data }));
    } catch (error) {
      if (error.name !== 'GoneException') throw error; // a client that left without a $disconnect: 410
      await table.remove(ConnectionId);
    }
  };
  await Promise.all((await table.ids()).map(post));
  return { statusCode: 200, body: 'Data sent.' };
};
