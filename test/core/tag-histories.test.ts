import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Connection } from '../../src/core/connection.ts';
import { Connections } from '../../src/core/connections.ts';
import type { Selector } from '../../src/core/selector.ts';

type Step =
  | { readonly type: 'join'; readonly who: number; readonly tags: Record<string, string> }
  | { readonly type: 'set'; readonly who: number; readonly changes: [string, string][] }
  | { readonly type: 'leave'; readonly who: number };

const HISTORIES = 1_000;
const KEYS = ['a', 'b', 'c'];
const VALUES = ['1', '2', '3'];
const key = fc.constantFrom(...KEYS);
const who = fc.nat({ max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('join' as const), who, tags: fc.dictionary(key, fc.constantFrom(...VALUES)) }),
  fc.record({ type: fc.constant('set' as const), who, changes: fc.array(fc.tuple(key, fc.constantFrom('', ...VALUES)), { maxLength: 3 }) }),
  fc.record({ type: fc.constant('leave' as const), who }),
);

/** As little of a connection as the table looks at. */
function fake(id: string): Connection {
  const connection = {
    id,
    remoteAddress: '127.0.0.1',
    state: 'open',
    tags: null as Connection['tags'],
    tagged: (tags: Connection['tags']) => void (connection.tags = tags),
  };
  return connection as unknown as Connection;
}

function selected(table: Connections, tags: [string, string][]): string[] {
  const selector: Selector = { type: 'tags', ids: [], tags, exclude: [] };
  return table
    .select(selector)
    .map(({ id }) => id)
    .toSorted();
}

test('the tag index equals a naive table after every step of 1,000 random histories, and is empty when all have left', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const table = new Connections();
      const live = new Map<number, Connection>();
      const model = new Map<number, Map<string, string>>();
      for (const one of steps) {
        const connection = live.get(one.who);
        if (one.type === 'join' && connection === undefined) {
          const joined = fake(`c${one.who}`);
          table.add(joined);
          assert.equal(table.setTags(joined, Object.entries(one.tags)), null);
          live.set(one.who, joined);
          model.set(one.who, new Map(Object.entries(one.tags)));
        } else if (one.type === 'set' && connection !== undefined) {
          assert.equal(table.setTags(connection, one.changes), null);
          for (const [name, value] of one.changes) {
            if (value === '') model.get(one.who)?.delete(name);
            else model.get(one.who)?.set(name, value);
          }
        } else if (one.type === 'leave' && connection !== undefined) {
          table.remove(connection);
          live.delete(one.who);
          model.delete(one.who);
        }
        compare(table, model);
      }
      for (const connection of live.values()) table.remove(connection);
      assert.ok(table.isIndexEmpty);
      assert.equal(table.size, 0);
    }),
    { numRuns: HISTORIES },
  );
});

function compare(table: Connections, model: Map<number, Map<string, string>>): void {
  const naive = (tags: [string, string][]): string[] =>
    [...model].filter(([, has]) => tags.every(([name, value]) => has.get(name) === value)).map(([one]) => `c${one}`);
  for (const first of KEYS) {
    for (const value of VALUES) {
      assert.deepEqual(selected(table, [[first, value]]), naive([[first, value]]).toSorted());
      const pair: [string, string][] = [
        [first, value],
        ['b', '1'],
      ];
      if (first !== 'b') assert.deepEqual(selected(table, pair), naive(pair).toSorted());
    }
  }
  const counts: Record<string, Record<string, number>> = {};
  for (const has of model.values()) for (const [name, value] of has) (counts[name] ??= {})[value] = (counts[name]?.[value] ?? 0) + 1;
  assert.deepEqual(JSON.parse(JSON.stringify(table.tree())), counts);
}

test('too many tags, or too long ones, change nothing and say why', () => {
  const table = new Connections();
  const connection = fake('c');
  table.add(connection);
  table.setTags(connection, [['a', '1']]);
  const many = Array.from({ length: 65 }, (_none, index): [string, string] => [`k${index}`, 'v']);
  assert.match(table.setTags(connection, many) ?? '', /64 tags/);
  assert.match(table.setTags(connection, [['a', 'x'.repeat(200)]]) ?? '', /128 bytes/);
  assert.deepEqual([...(connection.tags ?? [])], [['a', '1']]);
});
