import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpBackend } from '../../../src/backends/http/backend.ts';
import { withBreaker } from '../../../src/backends/http/breaker.ts';
import { createHttpTransport } from '../../../src/backends/http/transport.ts';
import { Meter } from '../../../src/core/meter.ts';
import { Timings } from '../../../src/core/timings.ts';
import type { CloseVerdict, MessageEvent, MessageVerdict } from '../../../src/core/events.ts';
import { systemClock } from '../../../src/core/system-clock.ts';
import type { BackendResult, Transport } from '../../../src/wire/calls.ts';
import type { Codec } from '../../../src/wire/codec.ts';
import { backendContract, type Behaviour } from '../../contracts/backend.ts';
import { startPeer } from '../../contracts/http-peer.ts';
import { sampleCodec, sampleConnection, sampleRequest, SILENT_LOG } from '../../contracts/samples.ts';

const ANSWERS: Readonly<Record<Behaviour, string | null>> = {
  'takes everything': 'HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{"code":"OK"}',
  refuses: 'HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n',
  unavailable: 'HTTP/1.1 503 Service Unavailable\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n',
  hangs: null,
};

for (const hasBreaker of [false, true]) {
  backendContract(hasBreaker ? 'http behind a breaker' : 'http', async (t, behaviour) => {
    const peer = await startPeer(t, ({ socket }) => {
      const answer = ANSWERS[behaviour];
      if (answer !== null) socket.write(answer);
    });
    const bare = createHttpTransport({ origin: peer.origin, connections: 4, pipelining: 1, observer: new Meter(), timings: new Timings() });
    const transport = hasBreaker ? withBreaker(bare, { clock: systemClock, log: SILENT_LOG, name: 'peer' }) : bare;
    return new HttpBackend({ codec: sampleCodec(), transport, clock: systemClock, log: SILENT_LOG });
  });
}

const { party } = sampleConnection();
const message: MessageEvent = { type: 'message', party, seq: 1, data: Buffer.from('x'), isBinary: false };
const answering = (result: BackendResult): Transport => ({
  call: (_call, receiver) => process.nextTick(() => receiver.settled(result)),
  close: () => Promise.resolve(),
});
const over = (result: BackendResult, codec: Codec = sampleCodec()) =>
  new HttpBackend({ codec, transport: answering(result), clock: systemClock, log: SILENT_LOG });
const later = (seconds: string): BackendResult => ({
  type: 'answer',
  status: 503,
  headers: { 'retry-after': seconds },
  body: Buffer.alloc(0),
});

test('Retry-After is read once for all events, where the codec says nothing of its own', async () => {
  const close = { type: 'close', party, seq: 2, code: 1000, reason: '', isOrphan: false } as const;
  const backend = over(later('7'));
  const verdicts = [
    await new Promise((settled) => backend.message(message, { settled }, 0)),
    await new Promise((settled) => backend.close(close, { settled }, 0)),
  ];
  for (const verdict of verdicts) assert.deepEqual(verdict, { type: 'retry', afterMs: 7_000, because: 'status 503' });
});

test('a codec that throws is a verdict, and not an exception', async () => {
  const codec = sampleCodec();
  codec.decodeOpen =
    codec.decodeMessage =
    codec.decodeClose =
      () => {
        throw new Error('a fault of the codec');
      };
  const backend = over(later('1'), codec);
  const opened = await backend.open({ type: 'open', party, request: sampleRequest() }, 0);
  assert.ok(opened.type === 'refused' && opened.status === 502);
  const delivered = await new Promise<MessageVerdict>((settled) => backend.message(message, { settled }, 0));
  assert.ok(delivered.type === 'delivered' && delivered.complaint === 'unreadable answer');
  const told = await new Promise<CloseVerdict>((settled) =>
    backend.close({ type: 'close', party, seq: 2, code: 1000, reason: '', isOrphan: false }, { settled }, 0),
  );
  assert.equal(told.type, 'retry');
});
