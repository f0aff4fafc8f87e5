const table = require('./table.js');

exports.handler = async (event) => {
  await table.remove(event.requestContext.connectionId);
  return { statusCode: 200 };
};
