import { NO_TOKENS } from '../../src/routes/token-gates.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { limitsOf } from '../../src/config/limits.ts';
import { DIALECTS } from '../../src/dialects/index.ts';
import { createRouting } from '../../src/routes/routing.ts';
import { routesFile } from '../support/routes-file.ts';

const ROUTE = '{ path: /a, backend: "http://127.0.0.1:9"';

test('what the process is laid out for grows with every reading, as clients of earlier ones may be there still', async (t) => {
  const file = await routesFile(t, `routes:\n  - ${ROUTE}, maxMessageBytes: 500, idleTimeoutMs: 9000, openTimeoutMs: 9000 }\n`);
  const { config } = loadConfig({ ROUTES_FILE: file.path, MAX_MESSAGE_BYTES: '100', WS_TIMEOUT: '5000', OPEN_TIMEOUT_MS: '2000' });
  const { extremes, reload } = await createRouting({
    file: file.path,
    backend: '',
    defaults: {
      limits: limitsOf(config),
      backendHeaders: [],
      origins: config.ORIGINS,
      forwardHeaders: new Set(),
      refuseWith: 'http',
      tokens: NO_TOKENS,
      dialectOptions: {},
    },
    dialects: DIALECTS,
    wsUris: () => (id) => id,
    serve: () => Promise.resolve({ backend: null as never, intake: null as never }),
  });
  assert.deepEqual(extremes(), { largestMessageBytes: 500, shortestSpanMs: 5_000, longestOpenMs: 9_000 });
  await file.write(`routes:\n  - ${ROUTE}, maxMessageBytes: 700, idleTimeoutMs: 300, openTimeoutMs: 20000 }\n`);
  assert.equal(await reload(), null);
  assert.deepEqual(extremes(), { largestMessageBytes: 700, shortestSpanMs: 300, longestOpenMs: 20_000 });
  await file.write(`routes:\n  - ${ROUTE} }\n`);
  assert.equal(await reload(), null);
  assert.deepEqual(extremes(), { largestMessageBytes: 700, shortestSpanMs: 300, longestOpenMs: 20_000 });
});
