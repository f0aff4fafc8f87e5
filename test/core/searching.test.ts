import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Description } from '../../src/core/commands.ts';
import type { Connection } from '../../src/core/connection.ts';
import type { Search } from '../../src/core/commands.ts';
import { search, SLICE, type Found } from '../../src/core/searching.ts';
import { Connections } from '../../src/core/connections.ts';

const EVERYBODY: Search = { id: null, path: null, tags: [] };

/** What a search sees of a connection. */
type Row = { readonly id: string; readonly path: string; readonly tags?: Readonly<Record<string, string>> };

function tableOf(rows: Iterable<Row>): { readonly owner: string; readonly connections: Connections } {
  const connections = new Connections();
  let serial = 0;
  for (const { id, path, tags = {} } of rows) {
    serial += 1;
    const own = {
      id,
      key: id,
      address: id,
      namespace: '',
      serial,
      state: 'open',
      tags: null as ReadonlyMap<string, string> | null,
      party: { id, path },
      tagged(after: ReadonlyMap<string, string> | null) {
        own.tags = after;
      },
      describe: (): Partial<Description> => ({ id, path }),
    };
    connections.add(own as unknown as Connection);
    connections.setTags(own as unknown as Connection, Object.entries(tags));
  }
  return { owner: 'AAAAAA', connections };
}

function* many(count: number): Generator<Row> {
  for (let n = 1; n <= count; n += 1)
    yield { id: `id-${n}`, path: n % 1_000 === 0 ? `/rare/${n}` : '/chat', tags: { parity: String(n % 2) } };
}

const idsOf = ({ list }: Found): string[] => list.map(({ id }) => id);

async function everyPage(table: ReturnType<typeof tableOf>, wanted: Search, limit: number): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = [];
  let serial: number | null = 0;
  let pages = 0;
  while (serial !== null) {
    const found: Found = await search(table, { type: 'search', search: wanted, after: { owner: 'AAAAAA', serial }, limit });
    ids.push(...idsOf(found));
    serial = found.reached;
    pages += 1;
  }
  return { ids, pages };
}

test('one request examines a bounded slice, says how far it came, and the next goes on there', async () => {
  const table = tableOf(many(2 * SLICE + 500));
  const wanted = { ...EVERYBODY, path: '/rare/' };
  const first = await search(table, { type: 'search', search: wanted, after: null, limit: 100 });
  assert.deepEqual([first.list.length, first.reached], [SLICE / 1_000, SLICE]);
  const { ids, pages } = await everyPage(table, wanted, 100);
  assert.deepEqual([ids.length, new Set(ids).size, pages], [20, 20, 3]);
});

test('a whole id is looked up, wherever it is', async () => {
  const table = tableOf(many(SLICE + 5));
  const found = await search(table, { type: 'search', search: { ...EVERYBODY, id: `id-${SLICE + 3}` }, after: null, limit: 5 });
  assert.deepEqual([idsOf(found), found.reached], [[`id-${SLICE + 3}`], null]);
  const tagged = { ...EVERYBODY, id: 'id-3', tags: [['parity', '0'] as const] };
  assert.deepEqual(idsOf(await search(table, { type: 'search', search: tagged, after: null, limit: 5 })).slice(0, 2), ['id-30', 'id-32']);
  const part = await search(table, { type: 'search', search: { ...EVERYBODY, id: 'd-77' }, after: null, limit: 500 });
  assert.deepEqual(idsOf(part).slice(0, 3), ['id-77', 'id-770', 'id-771']);
});

test('tags are found by their index, beyond any slice, page by page in the order of arrival', async () => {
  const table = tableOf(many(2 * SLICE));
  const wanted: Search = { ...EVERYBODY, tags: [['parity', '1']], path: '/chat' };
  const { ids, pages } = await everyPage(table, wanted, 2_000);
  assert.deepEqual([ids.length, new Set(ids).size, pages], [SLICE, SLICE, 5]);
  assert.deepEqual(ids.slice(0, 2), ['id-1', 'id-3']);
  const both = await search(table, {
    type: 'search',
    search: {
      ...EVERYBODY,
      tags: [
        ['parity', '1'],
        ['parity', '0'],
      ],
    },
    after: null,
    limit: 5,
  });
  assert.deepEqual([idsOf(both), both.reached], [[], null]);
});

test('connections that got their tags in another order than they came are paged all the same', async () => {
  const rows = [...many(40)].map((row) => ({ ...row, tags: {} }));
  const table = tableOf(rows);
  for (const connection of [...table.connections].toReversed()) table.connections.setTags(connection, [['late', '1']]);
  const { ids } = await everyPage(table, { ...EVERYBODY, tags: [['late', '1']] }, 7);
  assert.deepEqual(
    ids,
    rows.map(({ id }) => id),
  );
});

test('the event loop has its turn while a large table is searched', async () => {
  const table = tableOf(many(2_000));
  for (const connection of table.connections) {
    const { party } = connection;
    Object.defineProperty(connection, 'party', { get: () => slowly(party) });
  }
  let turns = 0;
  const turn = (): void => {
    turns += 1;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  await search(table, { type: 'search', search: { ...EVERYBODY, path: 'nowhere' }, after: null, limit: 50 });
  clearImmediate(next);
  assert.ok(turns >= 10, `${turns} turns`);
});

/** As if looking at one connection took 50 µs. */
function slowly<Value>(value: Value): Value {
  const until = performance.now() + 0.05;
  while (performance.now() < until);
  return value;
}

test('another process’s pages come before or behind: nothing is asked twice', async () => {
  const table = tableOf(many(3));
  const ask = (owner: string) => search(table, { type: 'search', search: EVERYBODY, after: { owner, serial: 2 }, limit: 10 });
  assert.deepEqual(idsOf(await ask('AAAAAA')), ['id-3']);
  assert.deepEqual(idsOf(await ask('000000')), ['id-1', 'id-2', 'id-3']);
  assert.deepEqual(idsOf(await ask('zzzzzz')), []);
});
