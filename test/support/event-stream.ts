import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Sighting } from '../../src/core/sightings.ts';
import { Arrivals } from './arrivals.ts';

export type Told = { readonly event: string; readonly data: unknown };
export type Stream = { readonly told: Arrivals<Told>; readonly ended: Promise<void>; readonly headers: Headers };

/** Reads server-sent events until the test ends. */
export async function watch(t: Pick<TestContext, 'after'>, url: string): Promise<Stream> {
  const leaving = new AbortController();
  t.after(() => leaving.abort());
  const response = await fetch(url, { signal: leaving.signal });
  assert.equal(response.status, 200, url);
  const told = new Arrivals<Told>();
  const read = async (): Promise<void> => {
    let rest = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, event, data] = /^event: (.+)\ndata: (.*)$/.exec(block) ?? [];
        if (event !== undefined) told.add({ event, data: JSON.parse(data ?? '') as unknown });
      }
    }
  };
  const ended = read().catch(() => {});
  return { told, ended, headers: response.headers };
}

/** The first sighting that matches. */
export async function sighted(stream: Stream, matches: (one: Sighting) => boolean): Promise<Sighting> {
  const { data } = await stream.told.first(({ event, data }) => event === 'sightings' && (data as Sighting[]).some(matches));
  return (data as Sighting[]).find(matches) as Sighting;
}
