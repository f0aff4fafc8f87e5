'use strict';
// A REQUEST authorizer as it stands in many samples: callback style, a policy made of the methodArn.

exports.handler = (event, context, callback) => {
  const token = event.headers.Authorization ?? event.queryStringParameters?.token;
  switch (token) {
    case 'allow':
      return callback(null, policy('Allow', event.methodArn, { plan: 'pro', seats: 3, beta: true }));
    case 'deny':
      return callback(null, policy('Deny', event.methodArn));
    case 'unauthorized':
      return callback('Unauthorized');
    case 'nested':
      return callback(null, policy('Allow', event.methodArn, { plan: { name: 'pro' } }));
    case 'event':
      console.log(JSON.stringify(event));
      return callback(null, policy('Allow', event.methodArn));
    case 'hang':
      setTimeout(() => {}, 60_000);
      return;
    default:
      callback(new Error('never heard of it'));
  }
};

function policy(Effect, Resource, context) {
  return {
    principalId: 'ann',
    policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect, Resource }] },
    context,
  };
}
