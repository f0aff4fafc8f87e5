import type { Outcome } from '../../src/core/commands.ts';
import type { Gateway } from '../../src/core/gateway.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Random } from './random.ts';
import type { SimulatedSocket } from './simulated-socket.ts';
import type { Record, Truth } from './truth.ts';
import type { VirtualClock } from './virtual-clock.ts';

const KEY_LIFETIME_MS = 300_000;
const NOT_UTF8 = Buffer.from([0xc3, 0x28]);

type Options = {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly record: Record;
  readonly gateway: Gateway;
  readonly limits: Limits;
  readonly socketOf: (truth: Truth) => SimulatedSocket | undefined;
};

type Answer = { readonly expected: string; readonly outcome: Outcome | Promise<Outcome> };

/** The backend's side of the control API: commands, each with the answer that G4 and G6 of docs/guarantees.md ask for. */
export class Commander {
  readonly #options: Options;
  #pushes = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Something that a backend may ask at any moment. */
  anything(truth: Truth): void {
    const { random, gateway } = this.#options;
    const { id } = truth;
    if (id === null) return;
    const dice = random.next();
    if (dice < 0.06) this.close(truth, random.pick([1000, 4001]), 'enough');
    else if (dice < 0.12)
      this.#expect(truth, 'describe', {
        expected: truth.phase === 'gone' ? 'not-found' : 'described',
        outcome: gateway.dispatch({ type: 'describe', id }),
      });
    else this.push(truth);
  }

  push(truth: Truth): void {
    const { random, gateway, limits, clock } = this.#options;
    const { id } = truth;
    if (id === null) return;
    const key = random.chance(0.25) ? `key ${random.between(1, 3)}` : null;
    const isBroken = random.chance(0.03);
    const length = random.chance(0.04) ? limits.maxMessageBytes + 1 : random.between(0, 90);
    const text = `push ${(this.#pushes += 1)} `.padEnd(length, '.');
    const data = isBroken ? NOT_UTF8 : Buffer.from(text);
    const known = key === null ? undefined : truth.keys.get(key);
    const isRepeated = known !== undefined && clock.now() - known.at < KEY_LIFETIME_MS && truth.phase !== 'gone';
    const expected = isBroken && truth.phase !== 'gone' ? 'not-text' : isRepeated ? known.outcome : this.#outcomeOf(truth, data.length);
    const isNew = !isRepeated && (expected === 'sent' || expected === 'queued');
    if (isNew && expected === 'sent') truth.expectedFrames.push(text);
    if (isNew && expected === 'queued') {
      truth.earlyPushes.push(text);
      truth.earlyBytes += data.length;
    }
    if (isNew && key !== null) truth.keys.set(key, { outcome: expected, at: clock.now() });
    const outcome = gateway.dispatch({ type: 'push', id, message: { data, isBinary: false }, idempotencyKey: key });
    this.#expect(truth, isRepeated ? 'repeated push' : `push "${text.trim()}"`, { expected, outcome });
    this.#options.record.count(isRepeated ? 'push repeated' : `push ${expected}`);
    this.checkFrames(truth);
  }

  close(truth: Truth, code: number, reason: string): void {
    const { gateway, record } = this.#options;
    if (truth.id === null) return;
    const expected = { connecting: 'queued', open: 'closing', closing: 'not-found', gone: 'not-found' }[truth.phase];
    if (truth.phase === 'connecting') truth.earlyClose ??= { code, reason };
    this.#expect(truth, 'close', { expected, outcome: gateway.dispatch({ type: 'close', id: truth.id, code, reason }) });
    record.count(`close ${expected}`);
    if (expected === 'closing' && truth.sentCloseCode !== code)
      record.violate('G4', truth, `is said to be closing, its socket was sent ${truth.sentCloseCode}`);
  }

  /** Right after the upgrade: the verdict's message, early pushes, an early close, in this order (G6). */
  attached(truth: Truth): void {
    truth.expectedFrames.unshift(...(truth.verdictMessage === null ? [] : [truth.verdictMessage]), ...truth.earlyPushes);
    this.checkFrames(truth);
    if (truth.earlyClose !== null && truth.sentCloseCode !== truth.earlyClose.code)
      this.#options.record.violate(
        'G6',
        truth,
        `was to be closed with ${truth.earlyClose.code} once open, was sent ${truth.sentCloseCode}`,
      );
    if (truth.earlyClose !== null) this.#options.record.count('early close');
  }

  /** What the socket was handed is what was promised, no less and no more, in order. */
  checkFrames(truth: Truth): void {
    const { frames, expectedFrames } = truth;
    if (truth.phase === 'connecting') return;
    if (frames.length === expectedFrames.length && frames.at(-1) === expectedFrames.at(-1)) return;
    this.#options.record.violate('G4', truth, `was handed [${frames.join('|')}], promised was [${expectedFrames.join('|')}]`);
    truth.expectedFrames = [...frames]; // told once
  }

  #outcomeOf(truth: Truth, length: number): Outcome['type'] {
    const { limits, socketOf } = this.#options;
    if (truth.phase === 'gone') return 'not-found';
    if (length > limits.maxMessageBytes) return 'too-long';
    if (truth.phase === 'closing' || truth.earlyClose !== null) return 'not-found';
    if (truth.phase === 'connecting') {
      const isFull =
        truth.earlyPushes.length >= limits.inboxMessages || (truth.earlyBytes > 0 && truth.earlyBytes + length > limits.sendBufferBytes);
      return isFull ? 'slow' : 'queued';
    }
    const buffered = socketOf(truth)?.bufferedBytes ?? 0;
    return buffered > 0 && buffered + length > limits.sendBufferBytes ? 'slow' : 'sent';
  }

  #expect(truth: Truth, what: string, { expected, outcome }: Answer): void {
    const { record } = this.#options;
    const got = outcome instanceof Promise ? 'a promise' : outcome.type;
    record.note(truth, `${what}: ${got}`);
    if (got !== expected) record.violate('G4', truth, `${what} while ${truth.phase} is answered ${got}, wanted was ${expected}`);
  }
}
