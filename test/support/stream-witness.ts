import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as elapsed } from 'node:timers/promises';
import { connect, type Client } from './client.ts';

/** What a consumer needs to have read of an entry, of whatever broker. */
export type Told = { readonly text: Readonly<Record<string, string>> };

/** A client that numbers what it says: `<name>/1`, `<name>/2`, … */
export class Talker {
  readonly name: string;
  readonly client: Client;
  said = 0;
  ending: unknown = null;

  constructor(name: string, client: Client) {
    this.name = name;
    this.client = client;
    void client.ended.then((ending) => (this.ending = ending));
  }

  say(): void {
    this.said += 1;
    this.client.ws.send(`${this.name}/${this.said}`);
  }
}

export async function talkers(t: Pick<TestContext, 'after'>, url: string, count: number): Promise<Talker[]> {
  return Promise.all(Array.from({ length: count }, async (_, index) => new Talker(`t${index}`, await connect(t, `${url}/t${index}`))));
}

/** How long a broker is away. `STREAM_OUTAGE_MS=10000` makes every outage of these tests a long one. */
export function outageMs(normally: number): number {
  return Number(process.env['STREAM_OUTAGE_MS'] ?? normally);
}

const TALK_EVERY_MS = 30;

/** Each says something every so often while the work runs. */
export async function talkDuring(all: readonly Talker[], work: () => Promise<void>): Promise<void> {
  let isOver = false;
  const talking = (async () => {
    while (!isOver) {
      for (const talker of all) talker.say();
      await elapsed(TALK_EVERY_MS);
    }
  })();
  await work();
  isOver = true;
  await talking;
}

/** How many of the talkers' messages are told, repeats not counted. */
export function firstsOf(entries: readonly Told[]): number {
  return new Set(entries.filter(({ text }) => text['action'] === 'message').map(({ text }) => text['event_id'])).size;
}

/**
 * Every message is told; the first time in order on its connection; what is told again is the same, with the same event id;
 * nobody was closed. Returns how many were told again.
 */
export function judge(all: readonly Talker[], entries: readonly Told[]): number {
  const seen = new Map<string, string>();
  const firsts = new Map<string, string[]>();
  let repeats = 0;
  for (const { text } of entries) {
    if (text['action'] !== 'message') continue;
    const { event_id: eventId = '', message = '' } = text;
    const before = seen.get(eventId);
    if (before !== undefined) {
      assert.equal(message, before, 'a repeat is the same');
      repeats += 1;
      continue;
    }
    seen.set(eventId, message);
    const [name = ''] = message.split('/');
    firsts.set(name, [...(firsts.get(name) ?? []), message]);
  }
  for (const { name, said, ending } of all) {
    assert.equal(ending, null, `${name} was closed`);
    const wanted = Array.from({ length: said }, (_, index) => `${name}/${index + 1}`);
    assert.deepEqual(firsts.get(name), wanted, `what ${name} said, once and in order`);
  }
  return repeats;
}
