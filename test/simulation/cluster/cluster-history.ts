import type { Outcome } from '../../../src/core/commands.ts';
import { connectionId } from '../../../src/core/ids.ts';
import type { Log } from '../../../src/core/ports.ts';
import { Random } from '../random.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { SimulatedEngine } from './simulated-engine.ts';
import { LEASE_MS, SimulatedNode, type Client, type World } from './simulated-node.ts';

const NAMES = ['n1', 'n2', 'n3'];
const CHOSEN = ['box', 'mill'];
const LENGTH_MS = 40_000;
/** After the last fault all must be well again within a lease, a look at the others', and the engine's longest pause. */
const QUIET_MS = 4 * LEASE_MS + 5_000;
/** The last fault may come a while after the last client. */
const END_MS = LENGTH_MS + 5 * LEASE_MS + QUIET_MS;
/** So long after its return the engine knows all again. */
const RESTORED_MS = 5_000;
const MOST_EVENTS = 400_000;

type Push = { readonly text: string; readonly id: string; readonly askedAt: number; answeredAt: number; outcome: Outcome | null };
export type ClusterHistoryOptions = { readonly seed: number; readonly tally: Map<string, number>; readonly isVerbose: boolean };

/** Lives through one random history of three nodes, and returns what went wrong. */
export async function runClusterHistory({ seed, tally, isVerbose }: ClusterHistoryOptions): Promise<readonly string[]> {
  const random = new Random(seed);
  const clock = new VirtualClock(random);
  clock.usesNextTick = true;
  const history = new ClusterHistory({ random, clock, tally, isVerbose });
  const begun = history.begin();
  const events = await clock.run(MOST_EVENTS);
  await begun;
  if (events >= MOST_EVENTS) history.violations.push('the history does not end');
  history.judge();
  return history.violations;
}

class ClusterHistory {
  readonly violations: string[] = [];
  readonly #random: Random;
  readonly #clock: VirtualClock;
  readonly #tally: Map<string, number>;
  readonly #isVerbose: boolean;
  readonly #startedAt: number;
  readonly #engine: SimulatedEngine;
  readonly #books = { accepted: new Set<string>(), told: new Map<string, number>() };
  readonly #clients: Client[] = [];
  readonly #pushes: Push[] = [];
  readonly #nodes: SimulatedNode[];
  /** When something began or ended to fail. */
  readonly #faults: number[] = [];
  /** May a process be taken for dead that is not? */
  #mayBeLost = true;

  constructor({ random, clock, tally, isVerbose }: { random: Random; clock: VirtualClock } & Omit<ClusterHistoryOptions, 'seed'>) {
    this.#random = random;
    this.#clock = clock;
    this.#tally = tally;
    this.#isVerbose = isVerbose;
    this.#startedAt = clock.now();
    this.#engine = new SimulatedEngine(clock);
    const everyTick: (() => void)[] = [];
    clock.every(100, () => everyTick.forEach((tick) => tick()));
    const world: World = { clock, random, engine: this.#engine, books: this.#books, everyTick, log: (node) => this.#log(node) };
    this.#nodes = NAMES.map((name) => new SimulatedNode(world, name));
  }

  async begin(): Promise<void> {
    const random = this.#random;
    this.#plan();
    for (let count = random.between(4, 14); count > 0; count -= 1) this.#at(random.between(2_000, LENGTH_MS), () => this.#newcomer());
    for (let count = random.between(10, 60); count > 0; count -= 1) this.#at(random.between(3_000, LENGTH_MS), () => this.#push());
    this.#at(END_MS, () => this.#checkQuiet());
    this.#at(END_MS + 2_000, () => this.#clients.forEach((client) => client.node.leave(client)));
    this.#at(END_MS + QUIET_MS + 60_000, () => this.#nodes.forEach((node) => (node.isDead = true))); // nobody looks any more
    await Promise.all(this.#nodes.map((node) => node.start()));
  }

  /** Two faults that together lose what both had to remember are not covered: either nodes die, or the engine forgets. */
  #plan(): void {
    const random = this.#random;
    const isEngines = random.chance(0.4);
    this.#mayBeLost = !isEngines;
    const doomed = isEngines ? [] : this.#nodes.slice(0, random.between(0, 2));
    for (const node of doomed) this.#fault('a node dies', { at: random.between(5_000, LENGTH_MS) }, () => this.#kill(node));
    const longest = isEngines ? LEASE_MS / 2 : 3 * LEASE_MS; // with a renewal that was missed, less than a lease
    for (const node of this.#nodes) {
      const isFreezing = random.chance(0.3);
      if (isFreezing) {
        const ms = random.between(200, longest);
        this.#fault('a node freezes', { at: random.between(5_000, LENGTH_MS), lastsMs: ms }, () => node.freeze(ms));
      }
      if (!doomed.includes(node) && !(isEngines && isFreezing) && random.chance(0.3)) {
        const [from, ms] = [random.between(5_000, LENGTH_MS), random.between(200, longest)];
        this.#fault('a way is cut', { at: from }, () => (node.backbone.isCut = true));
        this.#fault('a way is whole', { at: from + ms }, () => (node.backbone.isCut = false));
      }
    }
    if (!isEngines) return;
    const [from, ms, isEmpty] = [random.between(5_000, LENGTH_MS), random.between(100, 3 * LEASE_MS), random.chance(0.6)];
    this.#fault('the engine dies', { at: from }, () => {
      this.#engine.isAway = true;
      this.#nodes.forEach(({ backbone }) => backbone.broke('the engine died'));
    });
    if (random.chance(0.5)) {
      const [node] = this.#nodes as [SimulatedNode];
      this.#fault('a node dies after the engine', { at: Math.max(from + ms + RESTORED_MS, LENGTH_MS) }, () => this.#kill(node)); // the ledger was rebuilt by then
    }
    this.#fault(isEmpty ? 'the engine is back, empty' : 'the engine is back', { at: from + ms }, () => {
      if (isEmpty) this.#engine.forgetAll();
      this.#engine.isAway = false;
    });
  }

  #fault(what: string, { at, lastsMs = 0 }: { readonly at: number; readonly lastsMs?: number }, happen: () => void): void {
    this.#faults.push(this.#startedAt + at, this.#startedAt + at + lastsMs);
    this.#at(at, () => {
      this.#note('world', what, { lastsMs });
      this.#count(what);
      happen();
    });
  }

  #kill(node: SimulatedNode): void {
    node.isDead = true;
    for (const client of this.#clients.filter((one) => one.node === node && one.isOpen)) {
      client.isOpen = false;
      client.endedAt = this.#clock.now();
    }
  }

  #newcomer(): void {
    const random = this.#random;
    const node = random.pick(this.#nodes.filter(({ isDead, gateway }) => !isDead && gateway !== null));
    const chosenId = random.chance(0.5) ? random.pick(CHOSEN) : null;
    const client: Client = {
      node,
      chosenId,
      cameAt: this.#clock.now(),
      connection: null,
      isOpen: false,
      openedAt: 0,
      endedAt: Infinity,
      heard: [],
    };
    this.#clients.push(client);
    this.#note(node.name, 'a client comes', { chosenId });
    node.connect(client);
    if (random.chance(0.4)) this.#clock.after(random.between(100, LENGTH_MS / 2), () => node.leave(client));
  }

  #push(): void {
    const random = this.#random;
    const node = random.pick(this.#nodes.filter(({ isDead, gateway }) => !isDead && gateway !== null));
    const known = this.#clients.flatMap(({ connection }) => connection?.id ?? []);
    const id = known.length === 0 || random.chance(0.05) ? connectionId(node.owner) : random.pick(known);
    const push: Push = { text: `push ${this.#pushes.length}`, id, askedAt: this.#clock.now(), answeredAt: Infinity, outcome: null };
    this.#pushes.push(push);
    node.run(() => void this.#dispatch(node, push));
  }

  async #dispatch({ name, gateway }: SimulatedNode, push: Push): Promise<void> {
    const message = { data: Buffer.from(push.text), isBinary: false };
    const outcome = await gateway?.dispatch({ type: 'push', id: push.id, message, idempotencyKey: null });
    push.outcome = outcome ?? null;
    push.answeredAt = this.#clock.now();
    this.#count(`push ${outcome?.type}`);
    this.#note(push.text, `at ${name} is answered`, { id: push.id, after: push.answeredAt - push.askedAt, outcome });
  }

  /** All faults are over: who is open is told of by nobody, holds its id alone, and is found from everywhere. */
  #checkQuiet(): void {
    for (const { isOpen, connection, node } of this.#clients)
      if (isOpen && this.#books.told.has(connection?.key ?? ''))
        this.violations.push(`G3: a connection of ${node.name} is open, and its end was told`);
    for (const id of CHOSEN) {
      const holders = this.#clients.filter(({ isOpen, chosenId }) => isOpen && chosenId === id);
      if (holders.length > 1) this.violations.push(`claims: ${holders.length} connections have the id ${id}`);
    }
    for (const client of this.#clients.filter(({ isOpen }) => isOpen)) {
      for (const node of this.#nodes.filter(({ isDead }) => !isDead)) {
        const id = client.connection?.id ?? '';
        const push: Push = { text: `last ${this.#pushes.length}`, id, askedAt: this.#clock.now(), answeredAt: Infinity, outcome: null };
        this.#pushes.push(push);
        void this.#dispatch(node, push).then(() => {
          if (push.outcome?.type !== 'sent')
            this.violations.push(
              `G4: a push at ${node.name} to ${id} of ${client.node.name} is answered ${push.outcome?.type} when all is well`,
            );
        });
      }
    }
  }

  judge(): void {
    for (const key of this.#books.accepted) {
      const told = this.#books.told.get(key) ?? 0;
      this.#count(told > 1 ? 'close repeated' : 'close told');
      if (told === 0) this.violations.push(`G3: the end of ${key} was never told`);
    }
    for (const key of this.#books.told.keys()) if (!this.#books.accepted.has(key)) this.#count('close of an unanswered open');
    for (const push of this.#pushes) this.#judgePush(push);
  }

  #judgePush({ text, id, askedAt, answeredAt, outcome }: Push): void {
    const arrivals = this.#clients.flatMap(({ heard }) => heard.filter((one) => one.text === text));
    for (const { heard } of this.#clients)
      if (heard.filter((one) => one.text === text).length > 1) this.violations.push(`G4: ${text} to ${id} came to one client twice`);
    const isChosen = CHOSEN.includes(id); // an early push goes to all that chose it and are still being asked about
    if (arrivals.length > 1 && !isChosen) this.violations.push(`G4: ${text} arrived ${arrivals.length} times`);
    if (outcome === null) return; // whoever asked has died
    const [arrival] = arrivals;
    const isFaulty = this.#faults.some((at) => at >= askedAt - 10_000 && at <= answeredAt + 1_000);
    if (outcome.type === 'sent' && arrival === undefined) this.violations.push(`G4: ${text} to ${id} is answered 200 and arrived nowhere`);
    if (outcome.type !== 'sent' && outcome.type !== 'queued' && arrival !== undefined && (arrival.at > answeredAt || !isFaulty))
      this.violations.push(`G4: ${text} to ${id} is answered ${outcome.type} and arrived ${arrival.at - answeredAt} ms after the answer`);
  }

  #at(ms: number, task: () => void): void {
    this.#clock.after(ms, task);
  }

  #count(what: string): void {
    this.#tally.set(what, (this.#tally.get(what) ?? 0) + 1);
  }

  #note(who: string, what: string, facts: object): void {
    if (this.#isVerbose) console.log(`${(this.#clock.now() - this.#startedAt).toFixed(0).padStart(7)} ${who.padEnd(6)} ${what}`, facts);
  }

  #log(node: string): Log {
    const note = (facts: object, message: string): void => this.#note(node, message, facts);
    return {
      error: (facts, message) => {
        note(facts, message);
        this.violations.push(`G8: ${node} logs an error: ${message}`);
      },
      warn: (facts, message) => {
        note(facts, message);
        if (message.startsWith('this process was taken for dead') && !this.#mayBeLost)
          this.violations.push(`G3: ${node} was taken for dead, although it was never away for a lease`);
      },
      info: note,
      debug: note,
      isDebugging: false,
    };
  }
}
