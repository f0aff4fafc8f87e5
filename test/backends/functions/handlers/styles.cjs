'use strict';
// Handlers of every style that Lambda's users write.

exports.sync = (event) => ({ statusCode: 200, body: event.say });

exports.asynchronous = async (event) => ({ statusCode: 200, body: event.say });

exports.callback = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  setInterval(() => {}, 60_000); // a pool of connections, say, that stays
  setTimeout(() => callback(null, { statusCode: 200, body: event.say }), 5);
};

let isSaved = false;
exports.waiting = (event, _context, callback) => {
  setTimeout(() => (isSaved = true), 30);
  callback(null, {
    statusCode: 200,
    get body() {
      return `${event.say} saved ${isSaved}`;
    },
  });
};

exports.done = (event, context) => void setTimeout(() => context.done(null, { statusCode: 200, body: event.say }), 5);
exports.succeed = (event, { succeed }) => void setTimeout(() => succeed({ statusCode: 200, body: event.say }), 5);
exports.fail = (_event, context) => void setTimeout(() => context.fail(new TypeError('by fail')), 5);
exports.failedCallback = (_event, _context, callback) => void setTimeout(() => callback('Unauthorized'), 5);
exports.silent = () => {};
exports.nothing = async () => {};
exports.neverSettled = () => new Promise(() => {});
exports.deep = { er: { handler: exports.asynchronous } };

exports.context = async (_event, context) => ({
  awsRequestId: context.awsRequestId,
  functionName: context.functionName,
  functionVersion: context.functionVersion,
  invokedFunctionArn: context.invokedFunctionArn,
  memoryLimitInMB: context.memoryLimitInMB,
  logGroupName: context.logGroupName,
  remaining: context.getRemainingTimeInMillis(),
  waits: context.callbackWaitsForEmptyEventLoop,
});

exports.environment = async () => ({ ...process.env, cwd: process.cwd() });

let count = 0;
exports.count = async () => ({ count: (count += 1), pid: process.pid });

// One process for many of them: the event names it.
exports.any = (event, context, callback) => exports[event.style](event, context, callback);
