import { NOT_FOUND, type Answers, type Command, type Outcome, type Part, type Query } from '../../core/commands.ts';
import { OWNER_LENGTH } from '../../core/ids.ts';
import { Questions } from '../questions.ts';
import type { Link } from './link.ts';
import { ANSWER_MS, isBusMessage, type FromWorker, type ToWorker } from './bus-messages.ts';
import { machineTimeMs } from './machine-time.ts';

type Worker = { readonly name: string; readonly link: Link; owner: string | null };
type Claim = { readonly worker: Worker; readonly key: string };

/** The supervisor's half of the ipc bus: knows who owns what, passes commands on, and answers for workers that do not. */
export class IpcRelay {
  readonly #workers = new Set<Worker>();
  readonly #claims = new Map<string, Claim>();
  /** By the worker that each was forwarded to. Null: no answer in time, or the worker died. */
  readonly #forwarded = new Questions<Worker, Outcome | Part | null>();

  /** Serves a new worker. The returned function is called when its process is gone. */
  add(name: string, link: Link): () => void {
    const worker: Worker = { name, link, owner: null };
    link.onMessage((message) => {
      if (isBusMessage<FromWorker>(message)) this.#received(worker, message);
    });
    return () => this.#gone(worker);
  }

  /** Tells one worker that another has died, so that the close events of its connections are sent at once. */
  announceDeath(): void {
    const [survivor] = this.#workers;
    if (survivor !== undefined) tell(survivor, { bus: 'bereaved' });
  }

  #received(worker: Worker, message: FromWorker): void {
    switch (message.bus) {
      case 'hello':
        worker.owner = message.owner;
        this.#workers.add(worker);
        tell(worker, { bus: 'welcome' });
        break;
      case 'ask':
        void this.#ask(worker, message.command, message.beginBy).then((outcome) => tell(worker, { bus: 'outcome', n: message.n, outcome }));
        break;
      case 'ask-all':
        void this.#askAll(worker, message.query, message.beginBy).then((answers) =>
          tell(worker, { bus: 'answers', n: message.n, answers }),
        );
        break;
      case 'done':
        this.#settle(worker, message.n, message.outcome);
        break;
      case 'part':
        this.#settle(worker, message.n, message.part);
        break;
      case 'claim':
        tell(worker, { bus: 'claimed', n: message.n, isGranted: this.#claim(worker, message) });
        break;
      case 'release':
        if (this.#claims.get(message.id)?.key === message.key) this.#claims.delete(message.id);
        break;
    }
  }

  #claim(worker: Worker, { id, key, mayReplace }: { readonly id: string; readonly key: string; readonly mayReplace: boolean }): boolean {
    const holder = this.#claims.get(id);
    if (holder !== undefined && !mayReplace) return false;
    this.#claims.set(id, { worker, key });
    if (holder !== undefined) tell(holder.worker, { bus: 'evict', id, key: holder.key });
    return true;
  }

  async #ask(asking: Worker, command: Command, beginBy: number): Promise<Outcome> {
    const to = this.#claims.get(command.id)?.worker ?? this.#byOwner(command.id.slice(0, OWNER_LENGTH));
    if (to === asking) return NOT_FOUND; // who asks has looked at home already
    if (to !== undefined) return this.#execute(to, command, beginBy);
    // a client-chosen id is claimed when its client is let in; until then only the worker that asks the backend knows it
    const others = [...this.#workers].filter((worker) => worker !== asking);
    const outcomes = await Promise.all(others.map((worker) => this.#execute(worker, command, beginBy)));
    return outcomes.find(({ type }) => type !== 'not-found') ?? NOT_FOUND;
  }

  async #execute(to: Worker, command: Command, beginBy: number): Promise<Outcome> {
    const waitMs = command.type === 'rpc-call' ? (command.waitMs ?? 0) : 0;
    const outcome = await this.#forward(to, (n) => ({ bus: 'execute', n, command, beginBy }), beginBy + waitMs);
    return (outcome as Outcome | null) ?? { type: 'timeout', detail: `${to.name} did not answer in time, or ended` };
  }

  async #askAll(asking: Worker, query: Query, beginBy: number): Promise<Answers> {
    const others = [...this.#workers].filter((worker) => worker !== asking);
    const parts = await Promise.all(others.map((to) => this.#forward(to, (n) => ({ bus: 'answer', n, query, beginBy }), beginBy)));
    return {
      parts: parts.filter((part) => part !== null) as Part[],
      unreachable: others.filter((_worker, index) => parts[index] === null).map(({ name }) => name),
    };
  }

  /** What comes too late here is too late everywhere: it is not passed on. */
  #forward(to: Worker, message: (n: number) => ToWorker, until: number): Promise<Outcome | Part | null> {
    const leftMs = until - machineTimeMs();
    if (leftMs < 0) return Promise.resolve(null);
    return this.#forwarded.ask({ asked: to, limitMs: leftMs + ANSWER_MS, late: null, send: (n) => tell(to, message(n)) });
  }

  #settle(from: Worker, n: number, result: Outcome | Part): void {
    this.#forwarded.answered(n, result, (to) => to === from);
  }

  #byOwner(owner: string): Worker | undefined {
    for (const worker of this.#workers) if (worker.owner === owner) return worker;
    return undefined;
  }

  #gone(worker: Worker): void {
    this.#workers.delete(worker);
    for (const [id, claim] of this.#claims) if (claim.worker === worker) this.#claims.delete(id);
    this.#forwarded.giveUp((to) => (to === worker ? null : undefined));
  }
}

function tell(worker: Worker, message: ToWorker): void {
  worker.link.send(message);
}
