import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { allHeadersOf, type BackendResult } from '../../../src/wire/calls.ts';
import type { OpenEvent } from '../../../src/core/events.ts';
import { actionProblem, messageIdProblem, pathOf } from '../../../src/dialects/ocpp/segments.ts';
import { OcppHttp } from '../../../src/dialects/ocpp/http.ts';
import { OcppLifeCodec } from '../../../src/dialects/ocpp/life-codec.ts';
import { dialectContract } from '../../contracts/dialect.ts';
import { CODEC, FakeHost, station } from './fake-host.ts';

const wsUri = (id: string) => `gateway.test/${encodeURIComponent(id)}`;
dialectContract(
  'ocpp',
  (limits) => new OcppLifeCodec(new OcppHttp({ wsUri, limits, backendPath: '/ocpp', backendHeaders: [], callTimeoutMs: 1_000 })),
);

const golden = (name: string) => fileURLToPath(new URL(`golden/${name}.json`, import.meta.url));

function openEvent(subprotocol: string): OpenEvent {
  const request = {
    path: '/ocpp/CP%201',
    query: { site: 'north' },
    subprotocol,
    subprotocols: ['other', subprotocol],
    parameters: {},
    headers: {},
    remoteAddress: '10.0.0.7',
    authorization: null,
    traceparent: null,
    forwarded: ['authorization', 'Basic seen-elsewhere', 'user-agent', 'station/1'],
    rawHeaders: [],
    isEncrypted: false,
    data: null,
    clientId: 'CP 1',
    tags: [],
  };
  return { type: 'open', party: new FakeHost('ocpp1.6').party, request };
}

const answer = (status: number, headers: Record<string, string> = {}): BackendResult => ({
  type: 'answer',
  status,
  headers,
  body: Buffer.alloc(0),
});

suite("the backend's side", () => {
  test('is asked in these very forms', (t) => {
    const { host, sends, isCalled, answered } = station('ocpp2.1');
    host.tags.set('site', 'north & south');
    sends([2, 'c1', 'Authorize', { idToken: 'x' }]);
    void isCalled('m1');
    void isCalled('m2');
    sends([3, 'm1', { status: 'Accepted' }]);
    sends([4, 'm2', 'NotSupported', 'never', { why: 1 }]);
    sends([6, 's1', 'NotifyPeriodicEventStream', { id: 1 }]);
    answered(0, 200, '{}');
    answered(1, 200);
    answered(3, 200);
    sends([5, 'c1', 'FormatViolation', 'no status', {}]);
    const event = openEvent('ocpp2.1');
    const { party } = event;
    const close = { type: 'close', party, seq: 6, code: 1006, reason: 'gone — away', isOrphan: false } as const;
    const asked = [CODEC.encodeOpen(event), ...host.calls.map(({ call }) => call), CODEC.encodeClose(close)];
    t.assert.fileSnapshot(
      asked.map((call) => ({ request: `${call.profile.method} ${call.path}`, headers: allHeadersOf(call), body: call.body })),
      golden('requests'),
    );
  });

  test('lets a client in by any 2xx, with the version that was chosen before, and the tags that the backend sets', () => {
    const verdict = CODEC.decodeOpen(openEvent('ocpp2.1'), answer(204, { 'ws-set-tags': 'site=north' }));
    assert.ok(verdict.type === 'accepted');
    assert.equal(verdict.subprotocol, 'ocpp2.1');
    assert.deepEqual([...(verdict.tags ?? [])], [['site', 'north']]);
  });

  test('sends a client away with its own 4xx, and with 502 or 504 where it fails', () => {
    const statusFor = (result: BackendResult) => {
      const verdict = CODEC.decodeOpen(openEvent('ocpp1.6'), result);
      return verdict.type === 'refused' ? verdict.status : 0;
    };
    assert.deepEqual(
      [401, 404, 403, 500, 302, 101].map((status) => statusFor(answer(status))),
      [401, 404, 403, 502, 502, 502],
    );
    assert.equal(statusFor({ type: 'failure', reason: 'timeout', wasSent: true, detail: '' }), 504);
    assert.equal(statusFor({ type: 'failure', reason: 'reset', wasSent: true, detail: '' }), 502);
    const refusal = CODEC.decodeOpen(openEvent('ocpp1.6'), answer(401));
    assert.match(String(refusal.type === 'refused' && refusal.headers?.['WWW-Authenticate']), /^Basic /);
  });

  test('has heard of an end by 2xx, 404 and 410, and is told again otherwise', () => {
    const close = { type: 'close', party: new FakeHost('ocpp1.6').party, seq: null, code: 1006, reason: '', isOrphan: true } as const;
    const types = [200, 404, 410, 401, 500, 503].map((status) => CODEC.decodeClose(close, answer(status)).type);
    assert.deepEqual(types, ['delivered', 'delivered', 'delivered', 'retry', 'retry', 'retry']);
  });

  test('gets every part as exactly one segment: nothing in an id or action changes path, query or host', () => {
    const wild = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 36 }),
      fc.constantFrom('a/../b', '%2e%2e', '//host', 'a?b=c', 'a#b', '\\..\\', '\r\n', '@', ':80', '...', ' ', '%', '%00', 'http://x'),
    );
    fc.assert(
      fc.property(fc.tuple(wild, wild, wild), fc.constantFrom('/csms', '/', '', '/a/b/?key=1', '/csms/'), ([action, client, id], base) => {
        fc.pre(actionProblem(action) === null && messageIdProblem(id) === null && client !== '.' && client !== '..');
        const path = pathOf(base, ['call', action, client, id]);
        const url = new URL(`http://csms.example${path}`);
        const [prefix, query] = base.split('?');
        assert.equal(url.host, 'csms.example');
        assert.equal(url.search, query === undefined ? '' : `?${query}`);
        assert.equal(url.pathname + url.search + url.hash, path, 'a URL parser finds nothing to mend');
        const rest = url.pathname.slice((prefix ?? '').replace(/\/$/, '').length);
        assert.deepEqual(rest.split('/').map(decodeURIComponent), ['', 'call', action, client, id]);
      }),
      { numRuns: 2_000, seed: 20_261_121 },
    );
    for (const dots of ['.', '..', '']) {
      assert.notEqual(actionProblem(dots), null);
      assert.notEqual(messageIdProblem(dots), null);
    }
  });
});
