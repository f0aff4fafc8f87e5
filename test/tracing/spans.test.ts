import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startApp } from '../support/app.ts';
import { type Answer, startBackend } from '../support/backend.ts';
import { connect, refusal } from '../support/client.ts';
import { enter, isEvent, ok } from '../support/guests.ts';
import { startOtlpReceiver, type OtlpReceiver, type ToldSpan } from '../support/otlp-receiver.ts';

const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;
const SECRET = 'hunter2-planted';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const OF_CLIENT = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'vendor=opaque-1, other@x=2' };

/** OpenTelemetry's packages read the environment of the process by themselves. */
function variables(receiver: OtlpReceiver, more: Record<string, string> = {}): Record<string, string> {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '20', OTEL_SERVICE_NAME: 'chat-gateway', ...more };
  Object.assign(process.env, env);
  return env;
}

async function sceneOf(t: TestContext, more: Record<string, string> = {}, answer?: (text: string) => Answer) {
  const receiver = await startOtlpReceiver(t);
  const backend = await startBackend(t, (call) => (isEvent('message')(call) ? (answer?.(call.text) ?? { status: 204 }) : ok()));
  const gateway = await startApp(t, { API_URI: `${backend.url}?code=${SECRET}`, ...variables(receiver, more) });
  return { receiver, backend, gateway };
}

const named = (name: string) => (span: ToldSpan) => span.name === name;
const parts = (traceparent: unknown): string[] => String(traceparent).split('-');

test('open, message, push and close are spans of the trace that the client brought', async (t) => {
  const scene = await sceneOf(t);
  const { receiver, backend } = scene;
  await connect(t, `${scene.gateway.wsUrl}/room?token=${SECRET}`, { headers: { ...OF_CLIENT, Authorization: `Bearer ${SECRET}` } });
  const open = await backend.calls.first(isEvent('open'));
  const id = String(open.headers['ws-connection']);
  const push = await fetch(`${scene.gateway.controlUrl}/${id}`, {
    method: 'PUT',
    body: 'hello',
    headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'backend=b' },
  });
  assert.equal(push.status, 200);
  await fetch(`${scene.gateway.controlUrl}/${id}`, { method: 'DELETE' });
  await backend.calls.first(isEvent('close', id));

  const upgrade = await receiver.spans.first(named('GET /*'));
  assert.deepEqual([upgrade.traceId, upgrade.parentSpanId, upgrade.kind], [TRACE, PARENT, SERVER]);
  assert.equal(upgrade.traceState, 'vendor=opaque-1,other@x=2');
  assert.deepEqual(
    ['http.request.method', 'http.route', 'url.path', 'http.response.status_code', 'network.protocol.name', 'wsaas.connection.id'].map(
      (name) => upgrade.attributes[name],
    ),
    ['GET', '/*', '/room', 101, 'websocket', id],
  );
  assert.equal(upgrade.resource['service.name'], 'chat-gateway');

  for (const [name, event, method] of [
    ['POST open', 'open', 'POST'],
    ['DELETE close', 'close', 'DELETE'],
  ] as const) {
    const span = await receiver.spans.first(named(name));
    const call = backend.calls.all.find(isEvent(event, id));
    assert.deepEqual(parts(call?.headers['traceparent']), ['00', TRACE, span.spanId, '01'], 'the backend is told this span as its parent');
    assert.equal(call?.headers['tracestate'], 'vendor=opaque-1,other@x=2');
    assert.deepEqual([span.traceId, span.parentSpanId, span.kind, span.status], [TRACE, upgrade.spanId, CLIENT, 0]);
    assert.deepEqual(
      ['http.request.method', 'url.full', 'http.response.status_code', 'server.address', 'server.port', 'wsaas.event.id'].map(
        (attribute) => span.attributes[attribute],
      ),
      [method, backend.url, 200, '127.0.0.1', backend.port, call?.headers['ws-event-id']],
    );
  }

  const pushed = await receiver.spans.first(named('PUT /:id'));
  assert.deepEqual(
    [pushed.traceId, pushed.parentSpanId, pushed.traceState, pushed.kind, pushed.attributes['http.response.status_code']],
    ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331', 'backend=b', SERVER, 200],
  );
  assert.deepEqual(pushed.links, [{ traceId: TRACE, spanId: upgrade.spanId }], "the push is linked to its client's trace");
  assert.ok(!receiver.requests.all.some((body) => body.includes(SECRET)), 'no credential is in any span');
});

test('without a trace of the client there is a fresh one; a call that is repeated is a span of its own below the first', async (t) => {
  let failures = 1;
  const scene = await sceneOf(t, {}, (text) => (text === 'again' && failures-- > 0 ? { status: 503 } : { status: 204 }));
  const guest = await enter(t, scene);
  guest.ws.send('once');
  guest.ws.send('again');
  const [once, first, second] = await scene.receiver.spans.atLeast(3, named('PUT message'));
  const upgrade = await scene.receiver.spans.first(named('GET /*'));
  assert.match(upgrade.traceId, /^(?!0{32})[0-9a-f]{32}$/);
  assert.equal(upgrade.parentSpanId, '');
  assert.deepEqual(
    [once, first, second].map((span) => [span?.traceId, span?.parentSpanId, span?.attributes['http.response.status_code']]),
    [
      [upgrade.traceId, upgrade.spanId, 204],
      [upgrade.traceId, upgrade.spanId, 503],
      [upgrade.traceId, first?.spanId, 204],
    ],
  );
  assert.deepEqual([first?.status, first?.attributes['error.type'], second?.attributes['http.request.resend_count']], [ERROR, '503', 1]);
  const calls = scene.backend.calls.all.filter((call) => call.text === 'again');
  assert.deepEqual(new Set(calls.map(({ headers }) => parts(headers['traceparent'])[2])), new Set([first?.spanId]));
});

test('a trace that is not sampled is passed on as such, and tells no span; the sampler decides about fresh ones', async (t) => {
  const scene = await sceneOf(t, { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' });
  const unsampled = await enter(t, scene, { headers: { traceparent: `00-${TRACE}-${PARENT}-00` } });
  const fresh = await enter(t, scene);
  const sampled = await enter(t, scene, { headers: { traceparent: `00-${'a'.repeat(32)}-${PARENT}-01` } });
  for (const { ws } of [unsampled, fresh, sampled]) ws.send('word');
  const calls = await scene.backend.calls.atLeast(3, isEvent('message'));
  const flags = new Map(calls.map(({ headers }) => [headers['ws-connection'], parts(headers['traceparent'])]));
  assert.deepEqual([flags.get(unsampled.id)?.[1], flags.get(unsampled.id)?.[3]], [TRACE, '00']);
  assert.equal(flags.get(fresh.id)?.[3], '00');
  assert.equal(flags.get(sampled.id)?.[3], '01');
  await scene.receiver.spans.first(named('PUT message'));
  assert.deepEqual(new Set(scene.receiver.spans.all.map(({ traceId }) => traceId)), new Set(['a'.repeat(32)]));
});

test('a refused client is a span with its status, a backend that is gone one with its reason', async (t) => {
  const scene = await sceneOf(t, { OTEL_TRACES_SAMPLER: '', OTEL_TRACES_SAMPLER_ARG: '' });
  await scene.backend.kill();
  assert.equal((await refusal(t, scene.gateway.wsUrl)).status, 502);
  const call = await scene.receiver.spans.first(named('POST open'));
  const upgrade = await scene.receiver.spans.first(named('GET /*'));
  assert.deepEqual([call.attributes['error.type'], call.status, call.parentSpanId], ['unreachable', ERROR, upgrade.spanId]);
  assert.deepEqual([upgrade.attributes['http.response.status_code'], upgrade.status], [502, ERROR]);
});

test('a receiver that hangs costs spans and nothing else, and holds up no end', async (t) => {
  const receiver = await startOtlpReceiver(t, true);
  const backend = await startBackend(t);
  const env = variables(receiver, { OTEL_BSP_MAX_QUEUE_SIZE: '8', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '4' });
  const gateway = await startApp(t, { API_URI: backend.url, ...env });
  const guest = await enter(t, { gateway, backend });
  for (let index = 0; index < 200; index += 1) guest.ws.send(String(index));
  await receiver.requests.atLeast(1);
  await backend.calls.atLeast(200, isEvent('message', guest.id));
  assert.equal((await guest.push('still here')).status, 200);
  assert.equal(receiver.requests.all.length, 1, 'the next batch waits for the one that hangs');
  const startedAt = performance.now();
  await gateway.drain();
  assert.ok(performance.now() - startedAt < 3_000);
});
