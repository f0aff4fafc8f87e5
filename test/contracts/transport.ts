import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { BackendAnswer, BackendCall, BackendFailure, BackendResult, Transport } from '../../src/wire/calls.ts';
import { deadOrigin, OK_ANSWER, startPeer, type PeerRequest } from './http-peer.ts';
import { sampleCall } from './samples.ts';

/** Makes the backend to test, over HTTP/1.1 to this origin, with so many sockets. */
export type TransportFactory = (origin: string, connections: number) => Transport;

const FAR = Number.MAX_SAFE_INTEGER;

/** Resolves to the one result. A second one, or one from inside `call`, is an uncaught exception: the test fails. */
export function ask(backend: Transport, call: BackendCall = sampleCall(), waitUntil = FAR): Promise<BackendResult> {
  return new Promise((resolve) => {
    let hasReturned = false;
    let settled = 0;
    const receiver = {
      settled(result: BackendResult) {
        settled += 1;
        assert.ok(hasReturned, 'a result must not come from inside call()');
        assert.equal(settled, 1, 'a result must come once');
        resolve(result);
      },
    };
    backend.call(call, receiver, waitUntil);
    hasReturned = true;
  });
}

function sayOk({ socket }: PeerRequest): void {
  socket.write(OK_ANSWER);
}

/** What every adapter of the port `Backend` promises that speaks HTTP/1.1. */
export function transportContract(name: string, create: TransportFactory): void {
  async function scene(t: TestContext, handle: (request: PeerRequest) => void, connections = 4) {
    const peer = await startPeer(t, handle);
    const backend = create(peer.origin, connections);
    t.after(() => backend.close());
    return { peer, backend };
  }

  suite(`backend ${name}`, () => {
    test('a call arrives as it is, and so does its answer', async (t) => {
      const { peer, backend } = await scene(
        t,
        ({ socket }) => void socket.write('HTTP/1.1 207 Odd\r\nX-One: 1\r\nset-cookie: a\r\nset-cookie: b\r\ncontent-length: 3\r\n\r\nyes'),
      );
      const answer = isAnswer(
        await ask(
          backend,
          sampleCall({ method: 'DELETE', path: '/a?b=c', headers: ['ws-event', 'close', 'x-l', 'caf\xe9'], body: 'body' }),
        ),
      );
      assert.deepEqual([answer.status, answer.body.toString(), answer.headers['x-one']], [207, 'yes', '1']);
      assert.deepEqual(answer.headers['set-cookie'], ['a', 'b']);
      const [request] = peer.requests.all;
      assert.deepEqual([request?.method, request?.path, request?.body], ['DELETE', '/a?b=c', 'body']);
      assert.deepEqual(
        request?.headers.filter(([header]) => header.startsWith('ws-') || header === 'x-l'),
        [
          ['ws-event', 'close'],
          ['x-l', 'caf\xe9'],
        ],
      );
    });

    test('a body that nobody wants is read and thrown away, and its socket is used again', async (t) => {
      const { peer, backend } = await scene(t, sayOk, 1);
      for (let count = 0; count < 3; count += 1)
        assert.equal(isAnswer(await ask(backend, sampleCall({ wantsBody: false }))).body.length, 0);
      assert.equal(peer.sockets.length, 1);
    });

    test('informational answers are not the answer', async (t) => {
      const early = 'HTTP/1.1 103 Early Hints\r\nx-early: 1\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n';
      const { backend } = await scene(t, ({ socket }) => void socket.write(early + OK_ANSWER));
      const answer = isAnswer(await ask(backend));
      assert.deepEqual([answer.status, answer.body.toString(), answer.headers['x-early']], [200, 'ok', undefined]);
    });

    test('a redirect is an answer like any other', async (t) => {
      const { peer, backend } = await scene(
        t,
        ({ socket }) => void socket.write('HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n'),
      );
      assert.equal(isAnswer(await ask(backend)).status, 302);
      assert.equal(peer.requests.all.length, 1);
    });

    test('no answer within the time-out is a failure, even where bytes trickle', async (t) => {
      const { backend } = await scene(t, ({ socket, path }) => {
        if (path === '/trickle') socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome');
      });
      for (const path of ['/silent', '/trickle']) {
        const failure = isFailure(await ask(backend, sampleCall({ path, timeoutMs: 60 })));
        assert.deepEqual([failure.reason, failure.wasSent], ['timeout', true], path);
      }
    });

    test('an answer that breaks off is a failure, and the call was sent', async (t) => {
      const { backend } = await scene(t, ({ socket, path }) => {
        if (path === '/reset') socket.resetAndDestroy();
        else if (path === '/half') socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
        else socket.end();
      });
      for (const path of ['/reset', '/half', '/nothing']) {
        const failure = isFailure(await ask(backend, sampleCall({ path })));
        assert.deepEqual([failure.reason, failure.wasSent], ['reset', true], path);
      }
    });

    test('an answer over the limit is a failure, wanted or not, announced or not', async (t) => {
      const { backend } = await scene(t, ({ socket, path }) => {
        if (path === '/announced') socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n${'x'.repeat(2_000)}`);
        else socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n${'x'.repeat(2_000)}\r\n`);
      });
      for (const path of ['/announced', '/endless'])
        for (const wantsBody of [true, false])
          assert.equal(isFailure(await ask(backend, sampleCall({ path, wantsBody, maxAnswerBytes: 1_000 }))).reason, 'too-long');
      assert.equal(isFailure(await ask(backend, sampleCall({ path: '/announced', maxAnswerBytes: 1_999 }))).reason, 'too-long');
      assert.equal(isAnswer(await ask(backend, sampleCall({ path: '/announced', maxAnswerBytes: 2_000 }))).body.length, 2_000);
    });

    test('an answer that is no HTTP is a failure, and the next call is served', async (t) => {
      const { backend } = await scene(
        t,
        ({ socket, path }) => void socket.write(path === '/odd' ? '220 smtp.example ready\r\n\r\n' : OK_ANSWER),
      );
      assert.equal(isFailure(await ask(backend, sampleCall({ path: '/odd' }))).reason, 'reset');
      assert.equal(isAnswer(await ask(backend)).status, 200);
    });

    test('a refused connection is unreachable, and provably nothing was sent', async (t) => {
      const backend = create(await deadOrigin(), 2);
      t.after(() => backend.close());
      for (const result of await Promise.all([ask(backend), ask(backend), ask(backend)])) {
        const { reason, wasSent } = isFailure(result);
        assert.deepEqual([reason, wasSent], ['unreachable', false]);
      }
    });

    test('what HTTP cannot carry is a failure, and never an exception', async (t) => {
      const { peer, backend } = await scene(t, sayOk, 8);
      const impossible = [
        sampleCall({ headers: ['x-bad', 'line\r\nx-injected: 1'] }),
        sampleCall({ headers: ['x-bad', 'snow \u2603'] }),
        sampleCall({ headers: ['x bad', 'name'] }),
        sampleCall({ headers: ['x-odd'] }),
        sampleCall({ path: 'no-slash' }),
        sampleCall({ path: '/a b\r\n' }),
      ];
      for (const call of impossible) assert.equal(isFailure(await ask(backend, call)).wasSent, false);
      assert.equal(peer.requests.all.length, 0);
    });

    test('what HTTP cannot carry costs no later call its place', async (t) => {
      const { backend } = await scene(t, sayOk, 2);
      for (let count = 0; count < 4; count += 1)
        isFailure(await ask(backend, sampleCall({ headers: ['x-bad', '\u2603'], timeoutMs: 200 })));
      assert.equal(isAnswer(await ask(backend, sampleCall({ timeoutMs: 1_000 }))).status, 200);
    });

    test('calls leave in the order of their asking', async (t) => {
      const { peer, backend } = await scene(t, sayOk, 1);
      const paths = Array.from({ length: 20 }, (_, index) => `/${index}`);
      await Promise.all(paths.map((path) => ask(backend, sampleCall({ path }))));
      assert.deepEqual(
        peer.requests.all.map(({ path }) => path),
        paths,
      );
    });

    test('a call that hangs delays no other', async (t) => {
      const { backend } = await scene(t, (request) => void (request.path === '/hangs' || sayOk(request)), 2);
      const hanging = ask(backend, sampleCall({ path: '/hangs', timeoutMs: 30_000 }));
      for (let count = 0; count < 10; count += 1) assert.equal(isAnswer(await ask(backend)).status, 200);
      await backend.close();
      assert.equal(isFailure(await hanging).reason, 'stopped');
    });

    test('a call whose time ended before a socket was free is never sent', async (t) => {
      const hung: PeerRequest[] = [];
      const { peer, backend } = await scene(t, (request) => void (request.path === '/first' ? hung.push(request) : sayOk(request)), 1);
      const first = ask(backend, sampleCall({ path: '/first' }));
      await peer.requests.first(({ path }) => path === '/first');
      const { reason, wasSent } = isFailure(await ask(backend, sampleCall({ path: '/waits', timeoutMs: 40 })));
      assert.deepEqual([reason, wasSent], ['timeout', false]);
      for (const request of hung) sayOk(request);
      assert.equal(isAnswer(await first).status, 200);
      assert.equal(isAnswer(await ask(backend, sampleCall({ path: '/next' }))).status, 200);
      assert.deepEqual(
        peer.requests.all.map(({ path }) => path),
        ['/first', '/next'],
      );
    });

    test('a backend that closes its idle sockets is served on', async (t) => {
      const { peer, backend } = await scene(t, sayOk, 1);
      for (let count = 0; count < 3; count += 1) {
        assert.equal(isAnswer(await ask(backend)).status, 200);
        const closed = new Promise((resolve) => peer.sockets.at(-1)?.once('close', resolve));
        peer.sockets.at(-1)?.end();
        await closed;
      }
    });

    test('close stops what runs and what waits, each told once, and may be called again', async (t) => {
      const { peer, backend } = await scene(t, () => {}, 1);
      const results = Promise.all([ask(backend), ask(backend), ask(backend)]);
      await peer.requests.first(() => true);
      await Promise.all([backend.close(), backend.close()]);
      const failures = (await results).map(isFailure);
      assert.deepEqual(
        failures.map(({ reason, wasSent }) => [reason, wasSent]),
        [
          ['stopped', true],
          ['stopped', false],
          ['stopped', false],
        ],
      );
      await backend.close();
      isFailure(await ask(backend));
      await turn();
    });
  });
}

export function isAnswer(result: BackendResult): BackendAnswer {
  if (result.type === 'answer') return result;
  throw new assert.AssertionError({ message: `an answer was wanted, ${result.reason} came: ${result.detail}` });
}

export function isFailure(result: BackendResult): BackendFailure {
  if (result.type === 'failure') return result;
  throw new assert.AssertionError({ message: `a failure was wanted, ${result.status} came: ${result.body.toString().slice(0, 100)}` });
}
