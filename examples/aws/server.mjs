// Puts a Lambda handler behind a URL: a webhook of form `envelope`, which answers with what the handler returned.
//
//   PORT=3000 AWS_REGION=eu-west-1 AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any node examples/aws/server.mjs
//   CONTROL_ALLOW=127.0.0.0/8 ROUTES_FILE=examples/aws/routes.yaml npm start     # then connect to ws://127.0.0.1:8080/prod?name=Ann
//
// The handler calls back by https, as all do: domainName in routes.yaml must be an address of the gateway with TLS.

import { createServer } from 'node:http';
import { handler } from './handler.mjs';

const server = createServer(async (request, response) => {
  try {
    const event = JSON.parse(Buffer.concat(await request.toArray()).toString());
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(await handler(event)));
  } catch (error) {
    console.error(`handler: ${error.stack}`);
    response.writeHead(500).end();
  }
});

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`handler: http://127.0.0.1:${server.address().port}`);
});
