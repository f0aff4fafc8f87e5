const table = require('./table.js');

exports.handler = async (event) => {
  await table.put(event.requestContext.connectionId, { name: event.queryStringParameters?.name ?? 'somebody' });
  return { statusCode: 200, body: 'Connected.' };
};
