'use strict';
// A handler as Lambda's users write it: one for all routes, which tells what it was told.

exports.handler = async (event) => {
  const { routeKey, authorizer } = event.requestContext;
  console.log(`${routeKey} ${JSON.stringify(authorizer)}`);
  if (routeKey === '$connect' || routeKey === '$disconnect') return { statusCode: 200 };
  const { action, does } = JSON.parse(event.body);
  if (does === 'throw') throw new Error('no');
  if (does === 'exit') process.exit(1);
  if (does === 'block') for (;;);
  if (does === 'garbage') return Symbol('x');
  if (does === 'long') return { statusCode: 200, body: 'x'.repeat(6_000_000) };
  return { statusCode: 200, body: JSON.stringify({ action, routeKey, authorizer, pid: process.pid }) };
};
