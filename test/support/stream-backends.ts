import assert from 'node:assert/strict';
import { openStreams } from '../../src/backends/streams/index.ts';
import { Meter } from '../../src/core/meter.ts';
import { Timings } from '../../src/core/timings.ts';
import type { Backend } from '../../src/core/ports.ts';
import { systemClock } from '../../src/core/system-clock.ts';
import { StreamCodec } from '../../src/dialects/stream/codec.ts';
import { openStream } from '../../src/engines/streams.ts';
import { readStreamTarget } from '../../src/wire/stream-targets.ts';
import { sampleConnection, sampleLimits, sampleRequest, SILENT_LOG } from '../contracts/samples.ts';

/** A backend over a real broker, that has taken an event already: it is connected. */
export async function connectedBackend(url: string): Promise<Backend> {
  const target = readStreamTarget(url);
  assert.ok(typeof target !== 'string', url);
  const streams = openStreams({
    clock: systemClock,
    log: SILENT_LOG,
    observer: new Meter(),
    timings: new Timings(),
    consumer: 'test',
    streams: openStream,
  });
  const codec = new StreamCodec({ route: '/*', includeTags: null, jsonPaths: new Map() });
  const backend = streams.serve({ speech: { type: 'entries', codec, target }, limits: sampleLimits() }).backend as Backend;
  streams.obey({ query: () => Promise.resolve({ parts: [], unreachable: [] }) });
  const first = await backend.open({ type: 'open', party: sampleConnection().party, request: sampleRequest() }, systemClock.now() + 10_000);
  assert.equal(first.type, 'accepted');
  return {
    open: (event, waitUntil) => backend.open(event, waitUntil),
    message: (event, receiver, waitUntil) => backend.message(event, receiver, waitUntil),
    close: (event, receiver, waitUntil) => backend.close(event, receiver, waitUntil),
    stop: () => streams.close(),
  };
}
