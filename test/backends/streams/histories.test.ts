import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Writing } from '../../../src/backends/streams/held.ts';
import { Outlet } from '../../../src/backends/streams/outlet.ts';
import { Meter } from '../../../src/core/meter.ts';
import type { LinkListener, Parcel, StreamLink } from '../../../src/wire/streams.ts';
import { ManualClock } from '../../contracts/manual-clock.ts';
import { SILENT_LOG } from '../../contracts/samples.ts';

const CONNECTIONS = 4;
const MESSAGES = 12;
const RETRY_FOR_MS = 20_000;

/** A broker that answers late, says no, breaks off in the middle, and stores what it had read from a connection that is gone. */
class MoodyBroker implements StreamLink {
  readonly stored: string[] = [];
  readonly #clock: ManualClock;
  readonly #random: () => number;
  #listener: LinkListener | null = null;
  #flying = new Set<Parcel>();
  #isUp = false;
  isGood = false;

  constructor(clock: ManualClock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  start(listener: LinkListener): void {
    this.#listener = listener;
    this.#comeBack();
  }

  send(parcels: readonly Parcel[]): void {
    assert.ok(this.#isUp, 'nothing is sent while it is down');
    for (const parcel of parcels) {
      assert.ok(!this.#flying.has(parcel));
      this.#flying.add(parcel);
    }
    this.#clock.after(this.#upTo(this.isGood ? 5 : 400), () => this.#answer(parcels));
  }

  reset(because: string): void {
    this.#break(because);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #answer(parcels: readonly Parcel[]): void {
    for (const parcel of parcels) {
      if (!this.#flying.has(parcel)) continue; // its connection is gone
      const mood = this.isGood ? 1 : this.#random();
      if (mood < 0.03) return this.#break('it broke');
      if (mood < 0.06) continue; // it never answers
      this.#flying.delete(parcel);
      if (mood < 0.15) {
        parcel.settled({ type: 'declined', because: 'OOM' });
        continue;
      }
      this.stored.push(parcel.entry.eventId);
      parcel.settled({ type: 'stored' });
    }
  }

  #break(because: string): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    const lost = [...this.#flying];
    this.#flying.clear();
    const readUpTo = this.#upTo(lost.length + 1);
    const late = this.#random() < 0.5;
    const keep = (): void => void this.stored.push(...lost.slice(0, readUpTo).map(({ entry }) => entry.eventId));
    if (late && !this.isGood) this.#clock.after(this.#upTo(300), keep);
    else keep();
    this.#listener?.down(because);
    for (const parcel of lost) parcel.settled({ type: 'lost' });
    this.#comeBack();
  }

  #comeBack(): void {
    this.#clock.after(this.#upTo(this.isGood ? 10 : 3_000), () => {
      this.#isUp = true;
      this.#listener?.up();
    });
  }

  #upTo(most: number): number {
    return Math.floor(this.#random() * most);
  }
}

/** One connection, as its inbox is: one message at a time, tried again until it is stored or its time is over. */
class Speaker {
  readonly delivered: string[] = [];
  isOver = false;
  readonly #outlet: Outlet;
  readonly #clock: ManualClock;
  readonly #name: string;
  #seq = 0;
  #giveUpAt = 0;

  constructor(outlet: Outlet, clock: ManualClock, name: string) {
    this.#outlet = outlet;
    this.#clock = clock;
    this.#name = name;
  }

  next(): void {
    this.#seq += 1;
    this.#giveUpAt = this.#clock.now() + RETRY_FOR_MS;
    if (this.#seq > MESSAGES) this.isOver = true;
    else this.#try();
  }

  #try(): void {
    const eventId = `${this.#name}.${this.#seq}`;
    let isTold = false;
    let hasReturned = false;
    const settled = (writing: Writing): void => {
      assert.ok(!isTold && hasReturned, `${eventId} is told once, and not from inside the call`);
      isTold = true;
      if (writing.type === 'stored') {
        this.delivered.push(eventId);
        this.next();
      } else if (this.#clock.now() >= this.#giveUpAt) this.isOver = true;
      else this.#clock.after(Math.min(150, this.#giveUpAt - this.#clock.now()), () => this.#try());
    };
    this.#outlet.write({
      name: 's',
      entry: { eventId, fields: [], isBinary: false },
      receiver: { settled },
      waitUntil: this.#giveUpAt,
      timeoutMs: 1_000,
      isRepeatable: true,
    });
    hasReturned = true;
  }
}

test('whatever a broker does: what is told as stored is, the first time in order, each writing is told once, and all comes to an end', async () => {
  let repeats = 0;
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), async (numbers) => {
      const clock = new ManualClock();
      const random = (): number => numbers.next().value as number;
      const broker = new MoodyBroker(clock, random);
      const outlet = new Outlet({ name: 'b', connect: () => Promise.resolve(broker), clock, log: SILENT_LOG, observer: new Meter() });
      outlet.open();
      const speakers = Array.from({ length: CONNECTIONS }, (_, index) => new Speaker(outlet, clock, `c${index}`));
      for (const speaker of speakers) speaker.next();
      await clock.pass(30_000);
      broker.isGood = true;
      await clock.pass(2 * RETRY_FOR_MS);
      for (const [index, { delivered, isOver }] of speakers.entries()) {
        assert.ok(isOver, `c${index} waits for ever`);
        const own = broker.stored.filter((eventId) => eventId.startsWith(`c${index}.`));
        const firsts = [...new Set(own)];
        repeats += own.length - firsts.length;
        assert.deepEqual(firsts.slice(0, delivered.length), delivered, 'in the order sent, none of them missing');
        assert.ok(firsts.length <= delivered.length + 1, 'only the last one, which was given up, may be stored and not told so');
      }
      await outlet.stop();
    }),
    { numRuns: 20 },
  );
  assert.ok(repeats > 0, 'some were stored twice, else this proves little');
});
