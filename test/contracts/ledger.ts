import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Ledger, LedgerEntry } from '../../src/core/ports.ts';

/** Processes that share one store: a directory, a server. Closed by `t.after`. */
export type LedgerHouse = {
  /** The ledger of one more process. */
  readonly join: () => Promise<LedgerMember>;
};

export type LedgerMember = {
  readonly ledger: Pick<Ledger, 'orphans' | 'close'> & {
    readonly opened: (entry: LedgerEntry) => Promise<void>;
    readonly forget: (key: string) => Promise<void>;
  };
  /** The process dies without a word, and resolves when the others can know (a lease's end, where there is one). */
  readonly die: () => Promise<void>;
};

type Subject = {
  readonly name: string;
  readonly level: Ledger['level'];
  /** In this process, to look at the port itself. */
  readonly create: (t: TestContext) => Promise<Ledger>;
  /** Null where nothing survives a process. `forget` resolves when it would survive, too. */
  readonly house: ((t: TestContext) => Promise<LedgerHouse>) | null;
};

export function ledgerEntry(key: string): LedgerEntry {
  return { key, id: `id-of-${key}`, route: 'default', path: `/chat/${key}?q=ü"\n`, tags: { room: 'löbby', key }, data: null };
}

/** What every ledger keeps, as tests. Call it with a factory (docs/architecture.md#recipes). */
export function ledgerContract({ name, level, create, house }: Subject): void {
  test(`${name}: tells its level and has no problem`, async (t) => {
    const ledger = await create(t);
    assert.equal(ledger.level, level);
    assert.equal(ledger.problem, null);
  });

  test(`${name}: a living process finds no orphans, least of all its own`, async (t) => {
    const ledger = await create(t);
    await ledger.opened(ledgerEntry('a'));
    assert.deepEqual(await ledger.orphans(), []);
    assert.deepEqual(await ledger.orphans(), []);
  });

  test(`${name}: forgetting what was never opened, or twice, is nothing`, async (t) => {
    const ledger = await create(t);
    await ledger.opened(ledgerEntry('a'));
    ledger.forget('a');
    ledger.forget('a');
    ledger.forget('never');
    assert.equal(ledger.problem, null);
  });

  test(`${name}: can be closed twice, and asked after it`, async (t) => {
    const ledger = await create(t);
    await ledger.opened(ledgerEntry('a'));
    await Promise.all([ledger.close(), ledger.close()]);
    await ledger.close();
    await ledger.opened(ledgerEntry('b'));
    ledger.forget('a');
    assert.deepEqual(await ledger.orphans(), []);
  });

  if (house === null) return;

  test(`${name}: what was open when a process died is handed out as it was`, async (t) => {
    const { join } = await house(t);
    const [dead, heir] = [await join(), await join()];
    const entries = [ledgerEntry('a'), { ...ledgerEntry('b'), tags: null, data: 'signed.data~' }];
    for (const entry of entries) await dead.ledger.opened(entry);
    await dead.die();
    assert.deepEqual(byKey(await heir.ledger.orphans()), entries);
  });

  test(`${name}: what was forgotten is gone`, async (t) => {
    const { join } = await house(t);
    const [dead, heir] = [await join(), await join()];
    for (const key of ['a', 'b', 'c']) await dead.ledger.opened(ledgerEntry(key));
    await dead.ledger.forget('b');
    await dead.die();
    assert.deepEqual(keys(await heir.ledger.orphans()), ['a', 'c']);
  });

  test(`${name}: an entry that was opened again is handed out once, as it was last`, async (t) => {
    const { join } = await house(t);
    const [dead, heir] = [await join(), await join()];
    await dead.ledger.opened(ledgerEntry('a'));
    const last = { ...ledgerEntry('a'), tags: { room: 'other' }, data: 'new' };
    await dead.ledger.opened(last);
    await dead.die();
    assert.deepEqual(await heir.ledger.orphans(), [last]);
  });

  test(`${name}: the living are left alone`, async (t) => {
    const { join } = await house(t);
    const [dead, living, heir] = [await join(), await join(), await join()];
    await dead.ledger.opened(ledgerEntry('dead'));
    await living.ledger.opened(ledgerEntry('living'));
    await dead.die();
    assert.deepEqual(keys(await heir.ledger.orphans()), ['dead']);
    await living.die();
    assert.deepEqual(keys(await heir.ledger.orphans()), ['living']);
  });

  test(`${name}: of many that ask at once, and again, each orphan goes to one`, async (t) => {
    const { join } = await house(t);
    const deaths = await Promise.all([join(), join(), join()]);
    const heirs = await Promise.all([join(), join(), join()]);
    for (const [index, { ledger }] of deaths.entries()) {
      await Promise.all(Array.from({ length: 50 }, (_, number) => ledger.opened(ledgerEntry(`${index}-${number}`))));
    }
    await Promise.all(deaths.map(({ die }) => die()));
    const hands = await Promise.all([...heirs, ...heirs].map(({ ledger }) => ledger.orphans()));
    const handed = keys(hands.flat());
    assert.equal(handed.length, 150);
    assert.equal(new Set(handed).size, 150);
  });

  test(`${name}: an orphan whose heir dies before its end was told is handed out again, the others are not`, async (t) => {
    const { join } = await house(t);
    const first = await join();
    for (const key of ['a', 'b']) await first.ledger.opened(ledgerEntry(key));
    await first.die();
    const second = await join();
    assert.deepEqual(keys(await second.ledger.orphans()), ['a', 'b']);
    await second.ledger.forget('a');
    await second.die();
    const third = await join();
    assert.deepEqual(keys(await third.ledger.orphans()), ['b']);
  });

  test(`${name}: a process that closes leaves what is not forgotten to the next`, async (t) => {
    const { join } = await house(t);
    const first = await join();
    for (const key of ['a', 'b']) await first.ledger.opened(ledgerEntry(key));
    await first.ledger.forget('a');
    await first.ledger.close();
    const next = await join();
    assert.deepEqual(keys(await next.ledger.orphans()), ['b']);
  });
}

function keys(entries: readonly LedgerEntry[]): string[] {
  return entries.map(({ key }) => key).toSorted();
}

function byKey(entries: readonly LedgerEntry[]): LedgerEntry[] {
  return entries.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}
