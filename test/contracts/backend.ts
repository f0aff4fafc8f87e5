import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import type { CloseEvent, CloseVerdict, MessageEvent, MessageVerdict, OpenEvent, OpenVerdict } from '../../src/core/events.ts';
import type { Backend } from '../../src/core/ports.ts';
import { sampleConnection, sampleRequest } from './samples.ts';

/** How the user's system behaves, in words that do not depend on how it is reached. */
export type Behaviour =
  | 'takes everything'
  /** Open: refused; message and close: taken with a complaint, or told again where there is none. */
  | 'refuses'
  /** It cannot take anything now. */
  | 'unavailable'
  /** It never answers. */
  | 'hangs';

/** Makes a backend over a system of this behaviour. It is stopped by the suite. */
export type BackendFactory = (t: TestContext, behaviour: Behaviour) => Promise<Backend>;

const FAR = Number.MAX_SAFE_INTEGER;

/** What a system of this kind can be. A stream takes what comes, and refuses nobody. Code in this process loses at once what it cannot take: it has nothing to come back to. */
type Kind = { readonly canRefuse?: boolean; readonly fails?: boolean };

/** What every adapter of the port `Backend` promises, in verdicts. */
export function backendContract(name: string, create: BackendFactory, { canRefuse = true, fails = false }: Kind = {}): void {
  const request = sampleRequest();
  const { party } = sampleConnection();
  const open: OpenEvent = { type: 'open', party, request };
  const message = (seq = 1, data = 'hello', isBinary = false): MessageEvent => ({
    type: 'message',
    party,
    seq,
    data: Buffer.from(data),
    isBinary,
  });
  const close: CloseEvent = { type: 'close', party, seq: 2, code: 1000, reason: 'bye', isOrphan: false };

  async function scene(t: TestContext, behaviour: Behaviour): Promise<Backend> {
    const backend = await create(t, behaviour);
    t.after(() => backend.stop());
    return backend;
  }

  suite(`backend ${name}`, () => {
    test('a system that takes everything: accepted, delivered, delivered', async (t) => {
      const backend = await scene(t, 'takes everything');
      assert.equal((await backend.open(open, FAR)).type, 'accepted');
      assert.equal((await messageVerdict(backend, message())).type, 'delivered');
      assert.equal((await messageVerdict(backend, message(2, '\u0000\u00ff', true))).type, 'delivered');
      assert.equal((await closeVerdict(backend, close)).type, 'delivered');
    });

    test('a system that refuses: its client is refused, its message is not offered again', { skip: !canRefuse }, async (t) => {
      const backend = await scene(t, 'refuses');
      const verdict = await backend.open(open, FAR);
      assert.ok(verdict.type === 'refused' && verdict.status >= 400 && verdict.status < 500 && verdict.wasAccepted === undefined);
      const delivered = await messageVerdict(backend, message());
      if (fails) assert.ok(delivered.type === 'failed' && delivered.because !== '');
      else assert.ok(delivered.type === 'delivered' && delivered.complaint !== null);
    });

    test(`a system that is unavailable: its client is refused, messages ${fails ? 'fail and' : 'and'} ends are held`, async (t) => {
      const backend = await scene(t, 'unavailable');
      const verdict = await backend.open(open, FAR);
      assert.ok(verdict.type === 'refused' && verdict.status >= 500);
      const verdicts = [await messageVerdict(backend, message()), await closeVerdict(backend, close)];
      for (const held of fails ? verdicts.slice(1) : verdicts) {
        assert.ok(held.type === 'retry' && held.because !== '');
        assert.ok(held.afterMs === null || held.afterMs >= 0);
      }
      if (fails) assert.equal(verdicts[0]?.type, 'failed');
    });

    test('stop ends what is still out, each with one verdict, and may be called twice', async (t) => {
      const backend = await scene(t, 'hangs');
      const opened = backend.open(open, FAR);
      const sent = messageVerdict(backend, message());
      const told = closeVerdict(backend, close);
      await Promise.all([backend.stop(), backend.stop()]);
      const verdicts: [OpenVerdict, MessageVerdict, CloseVerdict] = [await opened, await sent, await told];
      assert.deepEqual(
        verdicts.map(({ type }) => type),
        ['refused', 'retry', 'retry'],
      );
    });
  });
}

function messageVerdict(backend: Backend, event: MessageEvent): Promise<MessageVerdict> {
  return oneVerdict((receiver) => backend.message(event, receiver, FAR));
}

function closeVerdict(backend: Backend, event: CloseEvent): Promise<CloseVerdict> {
  return oneVerdict((receiver) => backend.close(event, receiver, FAR));
}

/** A second verdict, or one from inside the call, is an uncaught exception: the test fails. */
function oneVerdict<Verdict>(ask: (receiver: { settled(verdict: Verdict): void }) => void): Promise<Verdict> {
  return new Promise((resolve) => {
    let hasReturned = false;
    let settled = 0;
    ask({
      settled(verdict) {
        settled += 1;
        assert.ok(hasReturned, 'a verdict must not come from inside the call');
        assert.equal(settled, 1, 'a verdict must come once');
        resolve(verdict);
      },
    });
    hasReturned = true;
  });
}
