import { HandlersBackend } from '../../src/backends/handlers/backend.ts';
import { HandlersClient } from '../../src/backends/handlers/client.ts';
import { Guest } from '../../src/backends/handlers/guest.ts';
import { withBreaker } from '../../src/backends/http/breaker.ts';
import type { Connection } from '../../src/core/connection.ts';
import type { Gateway } from '../../src/core/gateway.ts';
import { createInboxes } from '../../src/core/inbox.ts';
import type { Clock, Ledger, Log } from '../../src/core/ports.ts';
import type { CompanionFactory } from '../../src/core/reach.ts';
import type { Route } from '../../src/core/route.ts';
import type { Transport } from '../../src/wire/calls.ts';
import { WsaasCodec } from '../../src/dialects/wsaas/codec.ts';
import { startHeartbeat } from '../../src/core/heartbeat.ts';
import { RunningClock } from '../../src/core/system-clock.ts';
import { sampleGateway, sampleRequest, sampleRoute } from '../contracts/samples.ts';
import { Commander } from './commander.ts';
import { handlersOver, Inside } from './in-process.ts';
import { judge } from './judgement.ts';
import { streamBackend, Verdicts } from './over-stream.ts';
import { inProcess, overStream, rollPlan, type Plan } from './plan.ts';
import { Random } from './random.ts';
import { SimulatedBroker } from './simulated-broker.ts';
import { SimulatedSocket } from './simulated-socket.ts';
import { judgeStream } from './stream-judgement.ts';
import { Record, Truth } from './truth.ts';
import { VirtualClock } from './virtual-clock.ts';
import { SimulatedBackend, WEATHERS } from './weather.ts';
import { Witness } from './witness.ts';

/** No history needs as many; one that does goes round in circles. */
const MOST_EVENTS = 50_000;

export type HistoryOptions = {
  readonly seed: number;
  readonly tally: Map<string, number>;
  readonly isVerbose: boolean;
  readonly isInProcess?: boolean;
  readonly isOverStream?: boolean;
};

/** Lives through one random history to its end and returns what went wrong. */
export async function runHistory({
  seed,
  tally,
  isVerbose,
  isInProcess = false,
  isOverStream = false,
}: HistoryOptions): Promise<readonly string[]> {
  const random = new Random(seed);
  const clock = new VirtualClock(random);
  const record = new Record(tally, isVerbose, () => clock.now());
  const plan = rollPlan(random);
  const history = new History({ random, clock, record, plan: isInProcess ? inProcess(plan) : isOverStream ? overStream(plan) : plan });
  history.begin();
  const events = await clock.run(MOST_EVENTS);
  await Promise.resolve();
  record.note(null, `${events} events`);
  if (events >= MOST_EVENTS) record.violate('G5', null, 'the history does not end');
  history.end();
  return record.violations;
}

class History {
  readonly plan: Plan;
  readonly gateway: Gateway;
  readonly ledger: Set<string> = new Set();
  readonly sockets = new Map<Truth, SimulatedSocket>();
  readonly #random: Random;
  readonly #clock: VirtualClock;
  readonly #record: Record;
  readonly #backend: SimulatedBackend | SimulatedBroker;
  readonly #verdicts = new Verdicts();
  readonly #witness: Witness;
  readonly #commander: Commander;
  readonly #route: Route;
  #isDrained = false;

  constructor({ random, clock, record, plan }: { random: Random; clock: VirtualClock; record: Record; plan: Plan }) {
    this.#random = random;
    this.#clock = clock;
    this.#record = record;
    this.plan = plan;
    const log = this.#log();
    const running = new RunningClock(clock);
    this.gateway = sampleGateway({
      clock: running,
      log,
      ledger: this.#ledger(),
      openConcurrency: plan.openConcurrency,
      openQueue: plan.openQueue,
      openQueueTimeoutMs: plan.openQueueTimeoutMs,
      closeConcurrency: plan.closeConcurrency,
      closeBacklog: plan.closeBacklog,
    });
    this.#backend = plan.isOverStream ? new SimulatedBroker({ clock, random, record }) : new SimulatedBackend(clock, random);
    const reached =
      this.#backend instanceof SimulatedBroker ? this.#verdicts : plan.isInProcess ? new Inside(this.#backend) : this.#backend;
    const broken: Transport = plan.hasBreaker ? withBreaker(reached, { clock: running, log, name: 'simulated' }) : reached;
    clock.usesNextTick = plan.hasBreaker || plan.isInProcess;
    clock.usesTurns = plan.isOverStream;
    this.#witness = new Witness(broken, {
      clock,
      record,
      ...plan,
      isInLedger: (key) => this.ledger.has(key),
      heard: (truth, timeoutMs) => this.#heard(truth, timeoutMs),
      bufferedBytes: (truth) => this.sockets.get(truth)?.bufferedBytes ?? 0,
    });
    this.#commander = new Commander({
      clock,
      random,
      record,
      gateway: this.gateway,
      limits: plan.limits,
      socketOf: (truth) => this.sockets.get(truth),
    });
    if (this.#backend instanceof SimulatedBroker) this.#route = this.#routeOver(this.#backend, running, log);
    else this.#route = plan.isInProcess ? this.#routeInside(running, log) : this.#routeOutside(running);
  }

  #routeOver(broker: SimulatedBroker, clock: Clock, log: Log): Route {
    const { limits } = this.plan;
    const backend = this.#verdicts.watched(streamBackend({ broker, clock, log, limits }), this.#witness, limits);
    return sampleRoute({ backend, intake: createInboxes({ backend, limits }), limits });
  }

  #routeOutside(clock: Clock): Route {
    const { limits, reply } = this.plan;
    const codec = new WsaasCodec({ backendPath: '/ws/{id}', wsUri: (id) => `gateway/${id}`, backendHeaders: [], limits, reply });
    return sampleRoute({ codec, transport: this.#witness, clock, limits });
  }

  #routeInside(clock: Clock, log: Log): Route {
    const { limits, reply } = this.plan;
    const handlers = handlersOver(this.#witness, { clock: this.#clock, limits, reply });
    const backend = new HandlersBackend({ handlers, limits, clock, log });
    const companion: CompanionFactory = (reach, request) => new Guest(new HandlersClient(reach, request), handlers, log);
    return sampleRoute({ backend, intake: createInboxes({ backend, limits }), companion, limits });
  }

  begin(): void {
    const { plan } = this;
    const random = this.#random;
    this.#record.note(null, 'plan', plan);
    for (let count = random.pick([0, 1, 1, 2]); count > 0; count -= 1) {
      const from = this.#clock.now() + random.between(0, plan.lengthMs);
      const lengthMs = random.pick([100, plan.limits.backendRetryForMs / 2, plan.limits.backendRetryForMs * 3]);
      this.#backend.outages.push({ from, until: from + lengthMs, weather: random.pick(WEATHERS) });
    }
    for (let index = 0; index < plan.clients; index += 1) {
      const truth = new Truth(`c${index}`);
      this.#witness.truths.push(truth);
      this.#at(random.chance(0.5) ? random.between(0, 50) : random.between(0, plan.lengthMs), () => void this.#connect(truth, index));
    }
    for (let count = plan.ownPauses; count > 0; count -= 1) this.#at(random.between(0, plan.lengthMs), () => this.#freeze());
    const heartbeat = plan.hasHeartbeat ? startHeartbeat(this.gateway, () => 4_000) : null;
    if (plan.drainAtMs !== null) this.#at(plan.drainAtMs, () => this.#drain());
    this.#at(plan.lengthMs + 100, () => {
      heartbeat?.cancel();
      this.#backend.recover();
      for (const socket of this.sockets.values()) this.#depart(socket);
    });
  }

  end(): void {
    const { gateway, plan, ledger } = this;
    if (plan.drainAtMs !== null && !this.#isDrained) this.#record.violate('G7', null, 'the gateway never says that it is empty');
    for (const truth of this.#witness.truths) this.#commander.checkFrames(truth);
    if (this.#backend instanceof SimulatedBroker) judgeStream(this.#backend.stored, this.#witness.truths, this.#record);
    judge({ truths: this.#witness.truths, gateway, plan, ledger, record: this.#record });
  }

  async #connect(truth: Truth, index: number): Promise<void> {
    const random = this.#random;
    let hasLeft = false;
    if (random.chance(0.15))
      this.#at(random.between(0, 500), () => {
        hasLeft = true;
      });
    const wasDraining = this.gateway.isDraining;
    this.#clock.awaiting += 1;
    const request = sampleRequest({ path: `/${index}`, remoteAddress: '10.0.0.1' });
    const decision = await this.gateway.open(this.#route, request, () => hasLeft);
    this.#clock.awaiting -= 1;
    if (wasDraining && truth.opening !== 'unasked') this.#record.violate('G7', truth, 'is asked about while the gateway drains');
    if ('type' in decision) {
      this.#record.note(truth, `is refused with ${decision.status}`);
      this.#record.count(`refused ${truth.opening === 'unasked' ? 'unasked' : 'by the backend'}`);
      if (truth.opening === 'accepted')
        this.#record.violate('G3', truth, `was accepted by the backend and is refused with ${decision.status}`);
      truth.phase = 'gone';
      return;
    }
    if (truth.opening !== 'accepted') this.#record.violate('G3', truth, `is let in, the backend's answer was ${truth.opening}`);
    const upgrade = (): void => {
      if (hasLeft) this.#leftTooEarly(truth, decision.connection);
      else this.#attach(truth, decision);
    };
    if (random.chance(0.5)) upgrade();
    else this.#at(random.between(0, 30), upgrade);
  }

  #leftTooEarly(truth: Truth, connection: Connection): void {
    this.#record.count('left during open');
    truth.phase = 'gone';
    truth.endedAt = this.#clock.now();
    truth.endCode = 1006;
    connection.ended(1006, '');
  }

  #attach(truth: Truth, { connection, verdict }: Extract<Awaited<ReturnType<Gateway['open']>>, { connection: Connection }>): void {
    const random = this.#random;
    const manners = { isResponsive: random.chance(0.8), bytesPerMs: random.pick([Infinity, Infinity, Infinity, 0.5, 0]) };
    const { limits } = this.plan;
    const world = { clock: this.#clock, random, record: this.#record, limits, isPaced: limits.messagesPerSecond > 0 };
    const socket = new SimulatedSocket(world, truth, { connection, manners });
    this.sockets.set(truth, socket);
    truth.phase = 'open';
    connection.attach(socket, verdict);
    this.#commander.attached(truth);
    this.#live(truth, socket);
    if (this.#clock.now() >= this.#endsAt) this.#depart(socket);
  }

  /** A client's life: bursts of messages, pushes to it, and an end of its own in half of the cases. */
  #live(truth: Truth, socket: SimulatedSocket): void {
    const random = this.#random;
    const { lengthMs, limits } = this.plan;
    let said = 0;
    for (let bursts = random.between(0, 6); bursts > 0; bursts -= 1) {
      this.#at(random.between(0, lengthMs / 2), () => {
        const payloads: string[] = [];
        for (let count = random.between(1, 5); count > 0; count -= 1)
          payloads.push(`${truth.name} says ${(said += 1)} `.padEnd(random.between(0, limits.maxMessageBytes), '-'));
        socket.say(payloads);
      });
    }
    for (let count = random.between(0, 5); count > 0; count -= 1)
      this.#at(random.between(0, lengthMs), () => {
        for (let burst = random.between(1, 3); burst > 0; burst -= 1) this.#commander.anything(truth);
      });
    const fate = random.pick(['leaves', 'drops', 'stays', 'stays']);
    if (fate === 'leaves') this.#at(random.between(0, lengthMs), () => socket.leave(random.pick([1000, 1001, 1005, 1009, 4000])));
    if (fate === 'drops') this.#at(random.between(0, lengthMs), () => socket.drop());
  }

  /** The backend pushes from inside its handler of `open`, and sometimes after it has given the client up. */
  #heard(truth: Truth, timeoutMs: number): void {
    const random = this.#random;
    if (random.chance(0.5)) return;
    const withinMs = random.pick([0, 5, timeoutMs]);
    for (let count = random.between(1, 8); count > 0; count -= 1)
      this.#at(random.between(0, withinMs), () => this.#commander.anything(truth));
  }

  /** The gateway does not run for a while, as if its machine were paused; its clients' and its backend's bytes wait for it. */
  #freeze(): void {
    const ms = this.#random.pick([200, 1_000, 6_000, 20_000]);
    this.#record.count('own pause');
    this.#record.note(null, `the gateway is frozen for ${ms} ms`);
    this.#clock.freeze(ms);
  }

  #drain(): void {
    const { gateway } = this;
    this.#record.note(null, 'drain');
    gateway.stopOpening();
    for (const truth of this.#witness.truths)
      if (truth.phase !== 'gone' && truth.id !== null) this.#commander.close(truth, 1001, 'going away');
    this.#clock.awaiting += 1;
    void gateway.empty().then(() => {
      for (const truth of this.#witness.truths) {
        if (truth.opening === 'asked')
          this.#record.violate('G7', truth, 'is still being asked about when the gateway says that it is empty');
        if (truth.opening === 'accepted' && truth.endedAt === Infinity)
          this.#record.violate('G7', truth, 'is still there when the gateway is empty');
        if (truth.message.isRunning) this.#record.violate('G7', truth, 'has a message on its way when the gateway is empty');
      }
      return gateway.closings.idle().then(() => {
        this.#isDrained = true;
        this.#clock.awaiting -= 1;
        if (gateway.unfinished !== 0) this.#record.violate('G7', null, `the gateway is idle with ${gateway.unfinished} unfinished`);
      });
    });
  }

  #depart(socket: SimulatedSocket): void {
    this.#at(this.#random.between(0, 100), () => socket.leave(1000));
    if (this.#random.chance(0.3)) this.#at(200_000, () => socket.drop());
  }

  readonly #startedAt = 1_800_000_000_000;

  get #endsAt(): number {
    return this.#startedAt + this.plan.lengthMs + 100;
  }

  #at(ms: number, task: () => void): void {
    this.#clock.after(ms, task);
  }

  #ledger(): Ledger {
    const isSlow = this.#random.chance(0.3);
    return {
      level: 'process',
      problem: null,
      opened: ({ key }) => {
        if (!isSlow) {
          this.ledger.add(key);
          return;
        }
        return new Promise((resolve) =>
          this.#at(this.#random.between(0, 20), () => {
            this.ledger.add(key);
            resolve();
          }),
        );
      },
      forget: (key) => {
        this.ledger.delete(key);
      },
      orphans: () => Promise.resolve([]),
      close: () => Promise.resolve(),
    };
  }

  #log(): Log {
    const note = (facts: object, message: string): void => this.#record.note(null, message, facts);
    return {
      error: (facts, message) => {
        note(facts, message);
        if ('err' in facts && !message.startsWith('a callback threw')) this.#record.violate('G8', null, message);
      },
      warn: note,
      info: note,
      debug: note,
      isDebugging: false,
    };
  }
}
