import { headerOf, type BackendCall, type BackendResult, type FailureReason, type Transport } from '../../src/wire/calls.ts';
import type { Receiver } from '../../src/core/ports.ts';
import type { Random } from './random.ts';
import type { VirtualClock } from './virtual-clock.ts';

export const WEATHERS = ['unreachable', 'reset', 'timeout', 'too-long', 'stopped', '502', '503', '504', 'retry-after', 'any'] as const;
export type Weather = (typeof WEATHERS)[number];

export type Outage = { readonly from: number; readonly until: number; readonly weather: Weather };

const NONE = Buffer.alloc(0);
export const OPEN_OK = '"code":"OK"';
/** A tag that is no string: the backend believes that the client is in, and it cannot be. */
export const UNUSABLE = '"tags":{"room":7}';

/** Answers as a backend does, on good days and bad: late, wrong, by no answer at all. */
export class SimulatedBackend implements Transport {
  readonly outages: Outage[] = [];
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #failureRate: number;
  readonly #slownessMs: number;
  #isGood = false;

  constructor(clock: VirtualClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#failureRate = random.pick([0, 0, 0.05, 0.5]);
    this.#slownessMs = random.pick([2, 40, 400]);
  }

  /** From now on every call is answered, and well. */
  recover(): void {
    this.#isGood = true;
  }

  call(call: BackendCall, receiver: Receiver<BackendResult>): void {
    const event = headerOf(call, 'ws-event');
    const weather = this.#weather();
    const result =
      weather !== null
        ? this.#bad(weather)
        : event === 'open'
          ? this.#openAnswer()
          : event === 'close'
            ? this.#closeAnswer()
            : this.#messageAnswer();
    const isSilent = result.type === 'failure' && result.reason === 'timeout';
    const delay = isSilent ? call.profile.timeoutMs : Math.min(call.profile.timeoutMs, this.#random.between(0, this.#slownessMs));
    this.#clock.after(delay, () => receiver.settled(result));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #weather(): Weather | null {
    if (this.#isGood) return null;
    const now = this.#clock.now();
    for (const { from, until, weather } of this.outages) if (now >= from && now < until) return weather;
    return this.#random.chance(this.#failureRate) ? 'any' : null;
  }

  #bad(weather: Weather): BackendResult {
    switch (weather) {
      case 'any':
        return this.#bad(this.#random.pick(WEATHERS.slice(0, -1)));
      case '502':
      case '503':
      case '504':
        return answer(Number(weather));
      case 'retry-after':
        return answer(503, NONE, { 'retry-after': this.#retryAfter() });
      case 'unreachable':
      case 'reset':
      case 'timeout':
      case 'too-long':
      case 'stopped':
        return { type: 'failure', reason: weather satisfies FailureReason, wasSent: weather !== 'unreachable', detail: 'simulated' };
    }
  }

  #retryAfter(): string {
    const seconds = this.#random.pick([0, 1, 3, 200]);
    return this.#random.chance(0.5) ? String(seconds) : new Date(this.#clock.now() + seconds * 1000).toUTCString();
  }

  #openAnswer(): BackendResult {
    const random = this.#random;
    if (random.chance(0.8) || this.#isGood) {
      const parts = [OPEN_OK];
      if (random.chance(0.3)) parts.push('"tags":{"room":"7"}');
      if (random.chance(0.3)) parts.push('"data":"seen"');
      if (random.chance(0.3)) parts.push(`"message":"welcome ${random.between(1, 1e6)}"`);
      return answer(random.pick([200, 201]), Buffer.from(`{${parts.join(',')}}`));
    }
    return random.pick([
      answer(200, Buffer.from(`{${OPEN_OK},${UNUSABLE}}`)),
      answer(200, Buffer.from('{"code":"NO"}')),
      answer(200, Buffer.from('<html>')),
      answer(302),
      answer(401),
      answer(404, Buffer.from('{"code":"GONE"}')),
      answer(500),
    ]);
  }

  #messageAnswer(): BackendResult {
    const status = this.#random.pick([200, 200, 204, 400, 404, 429, 500, 501]);
    return answer(status, status === 200 && this.#random.chance(0.5) ? Buffer.from(`reply ${this.#random.between(1, 1e6)}`) : NONE);
  }

  #closeAnswer(): BackendResult {
    return answer(this.#isGood ? 204 : this.#random.pick([200, 204, 404, 410, 500, 400, 429]));
  }
}

function answer(status: number, body = NONE, headers: Record<string, string> = {}): BackendResult {
  return { type: 'answer', status, headers, body };
}

/** docs/dialects/wsaas.md#verdict-of-message: has the backend taken it? */
export function takesMessage(result: BackendResult): boolean {
  return result.type === 'answer' && (result.status < 502 || result.status > 504);
}

/** docs/dialects/wsaas.md#verdict-of-close. */
export function takesClose(result: BackendResult): boolean {
  return result.type === 'answer' && ((result.status >= 200 && result.status < 300) || result.status === 404 || result.status === 410);
}
