import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Arrivals } from '../support/arrivals.ts';
import type { AudienceOrder, AudienceReport } from '../support/audience.ts';
import { ask } from '../support/ask.ts';
import { startGateway } from '../support/gateway.ts';
import { startLeanBackend } from '../support/lean-backend.ts';
import { routesFile } from '../support/routes-file.ts';

const CLIENTS = 10_000;
const SIDES = ['left', 'right'];
const ARRIVAL_PATIENCE_MS = 90_000;
const HEARING_PATIENCE_MS = 20_000;
const LONGEST_TURN_MS = 50;
const TELLS_LONGEST_TURN = ['--import', new URL('../support/longest-turn.ts', import.meta.url).href];

test('a broadcast to 10,000 clients: every one gets it exactly once, and the event loop is never blocked for 50 ms', async (t) => {
  const backend = await startLeanBackend(t, () => {});
  const routes = await routesFile(t, `routes:\n  - { path: "/:side/:number", backend: "${backend.url}", tags: { side: ":side" } }\n`);
  const gateway = await startGateway(t, { ROUTES_FILE: routes.path }, TELLS_LONGEST_TURN);
  const paths = Array.from({ length: CLIENTS }, (_none, index) => `/${SIDES[index % 2]}/${index}`);
  const audience = seat(t, { url: gateway.wsUrl, paths });
  await audience.reports.first(({ type }) => type === 'all in', ARRIVAL_PATIENCE_MS);
  const say = (selector: string, text: string) => ask(`${gateway.controlUrl}/send?${selector}`, { method: 'POST', body: text });
  assert.equal((await ask(`${gateway.controlUrl}/count?all=true`)).body, String(CLIENTS));

  gateway.process.kill('SIGWINCH');
  assert.equal((await say('all=true', 'A')).body, String(CLIENTS));
  assert.equal((await say('side=left', 'B')).body, String(CLIENTS / 2));
  assert.equal((await say('all=true', 'C')).body, String(CLIENTS));
  assert.equal((await say('side=right', 'D')).body, String(CLIENTS / 2));
  const answers = await Promise.all(['E', 'F'].map((text) => say('all=true', text))); // two at once
  assert.deepEqual(
    answers.map(({ body }) => body),
    [String(CLIENTS), String(CLIENTS)],
  );
  gateway.process.kill('SIGWINCH');
  const { ms: longestMs } = await gateway.log.first(({ msg }) => msg === 'longest turn');

  const texts = await audience.heard(CLIENTS * 5);
  const wrong = texts.filter((text, index) => text.replace('F E', 'E F') !== (index % 2 === 0 ? 'A B C E F ' : 'A C D E F '));
  assert.deepEqual(wrong.slice(0, 3), [], `${wrong.length} of ${CLIENTS} clients did not hear each broadcast once`);
  assert.deepEqual(audience.reports.all.filter(({ type }) => type === 'fault').slice(0, 3), []);
  t.diagnostic(`the longest turn of the event loop took ${String(longestMs)} ms`);
  assert.ok(Number(longestMs) > 0 && Number(longestMs) <= LONGEST_TURN_MS, `the event loop was blocked for ${String(longestMs)} ms`);
});

function seat(t: Pick<TestContext, 'after'>, order: AudienceOrder) {
  const worker = new Worker(new URL('../support/audience.ts', import.meta.url), { workerData: order });
  t.after(() => worker.terminate());
  const reports = new Arrivals<AudienceReport>();
  worker.on('message', (report: AudienceReport) => reports.add(report));
  worker.on('error', (error) => reports.add({ type: 'fault', fault: String(error) }));
  return {
    reports,
    /** What each listener heard, once so many texts have come in all. */
    async heard(count: number): Promise<readonly string[]> {
      worker.postMessage(count);
      const report = await reports.first(({ type }) => type === 'heard', HEARING_PATIENCE_MS);
      return report.type === 'heard' ? report.texts : [];
    },
  };
}
