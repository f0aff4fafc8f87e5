const greeting = await Promise.resolve('hello'); // an ES module may wait at its top

export const handler = async (event) => ({ statusCode: 200, body: `${greeting} ${event.say}` });
