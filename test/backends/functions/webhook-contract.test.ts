import { createWebhook } from '../../../src/backends/functions/webhook.ts';
import { Transports } from '../../../src/backends/http/transports.ts';
import { Meter } from '../../../src/core/meter.ts';
import { Timings } from '../../../src/core/timings.ts';
import { systemClock } from '../../../src/core/system-clock.ts';
import { functionTargetContract } from '../../contracts/function-target.ts';
import { SILENT_LOG, startServer } from './http-functions.ts';

for (const answer of ['http', 'envelope'] as const)
  functionTargetContract(`webhook, answer ${answer}`, async (t, behaviour) => {
    const { origin } = await startServer(t, ({ body, response }) => {
      const { say } = JSON.parse(body.toString()) as { say: string };
      if (behaviour === 'echoes') response.end(answer === 'http' ? say : JSON.stringify({ statusCode: 200, body: say }));
      else if (behaviour === 'throws') response.writeHead(500).end('it is too much');
      else if (behaviour === 'returns much') response.end('x'.repeat(200_000));
    });
    const transports = new Transports({
      clock: systemClock,
      log: SILENT_LOG,
      observer: new Meter(),
      timings: new Timings(),
      tracing: null,
      connections: 16,
      pipelining: 1,
    });
    const webhook = createWebhook(
      { type: 'webhook', url: `${origin}/events`, answer, headers: [] },
      { transportTo: (to) => transports.to(to) },
    );
    return {
      invoke: (call, receiver, waitUntil) => webhook.invoke(call, receiver, waitUntil),
      async stop() {
        await webhook.stop();
        await transports.close(); // the sockets are the process's, and end with it
      },
    };
  });
