import type { Answers, Outcome } from '../../core/commands.ts';
import type { Link } from './link.ts';
import type { Bus, BusHandler } from '../../core/ports.ts';
import { Questions } from '../questions.ts';
import { ANSWER_MS, isBusMessage, type FromWorker, type ToWorker } from './bus-messages.ts';
import { machineTimeMs } from './machine-time.ts';

export type IpcBusOptions = { readonly link: Link; readonly owner: string; readonly timeoutMs: number };

/** What can be asked of the supervisor, and what its answer is. */
type Answer =
  | { readonly type: 'outcome'; readonly outcome: Outcome }
  | { readonly type: 'answers'; readonly answers: Answers }
  | { readonly type: 'claimed'; readonly isGranted: boolean };

/**
 * The bus between the workers of one node: every message goes over the supervisor, which knows each worker's owner
 * token and every client-chosen id. At most once; order is kept between two processes.
 */
export function createIpcBus({ link, owner, timeoutMs }: IpcBusOptions): Bus {
  const questions = new Questions<Answer['type'], Answer>();
  let welcomed: (() => void) | null = null;
  let handler: BusHandler | null = null;

  const tell = (message: FromWorker): void => link.send(message);

  /** The limit is for a supervisor that hangs: it answers for silent workers itself. `waitMs` is what the question may take by its nature. */
  async function ask<Type extends Answer['type']>(
    late: Extract<Answer, { type: Type }>,
    send: (n: number) => FromWorker,
    waitMs = 0,
  ): Promise<Extract<Answer, { type: Type }>> {
    const limitMs = timeoutMs * 2 + ANSWER_MS * 2 + waitMs;
    return (await questions.ask({ asked: late.type, limitMs, late, send: (n) => tell(send(n)) })) as typeof late;
  }

  const answered = (n: number, answer: Answer): void => questions.answered(n, answer, (type) => type === answer.type);

  const beginBy = (): number => machineTimeMs() + timeoutMs;

  link.onMessage((message) => {
    if (!isBusMessage<ToWorker>(message)) return;
    switch (message.bus) {
      case 'execute':
        if (machineTimeMs() > message.beginBy) tell({ bus: 'done', n: message.n, outcome: TOO_LATE });
        else
          void Promise.resolve(handler?.execute(message.command) ?? unavailable).then((outcome) =>
            tell({ bus: 'done', n: message.n, outcome }),
          );
        break;
      case 'answer':
        if (machineTimeMs() <= message.beginBy)
          void handler?.answer(message.query).then((part) => tell({ bus: 'part', n: message.n, part }));
        break;
      case 'evict':
        handler?.evict(message.id, message.key);
        break;
      case 'bereaved':
        handler?.bereaved();
        break;
      case 'welcome':
        welcomed?.();
        break;
      case 'outcome':
        answered(message.n, { type: 'outcome', outcome: message.outcome });
        break;
      case 'answers':
        answered(message.n, { type: 'answers', answers: message.answers });
        break;
      case 'claimed':
        answered(message.n, { type: 'claimed', isGranted: message.isGranted });
        break;
    }
  });

  return {
    serve(given) {
      handler = given;
      return new Promise((resolve) => {
        welcomed = resolve;
        tell({ bus: 'hello', owner });
      });
    },
    async ask(command) {
      const waitMs = command.type === 'rpc-call' ? (command.waitMs ?? 0) : 0;
      return (await ask(LATE.outcome, (n) => ({ bus: 'ask', n, command, beginBy: beginBy() }), waitMs)).outcome;
    },
    async askAll(query) {
      return (await ask(LATE.answers, (n) => ({ bus: 'ask-all', n, query, beginBy: beginBy() }))).answers;
    },
    async claim(id, key, mayReplace) {
      return (await ask(LATE.claimed, (n) => ({ bus: 'claim', n, id, key, mayReplace }))).isGranted;
    },
    release: (id, key) => tell({ bus: 'release', id, key }),
    close() {
      questions.giveUp((type) => LATE[type]);
      return Promise.resolve();
    },
  };
}

const unavailable: Outcome = { type: 'unavailable', detail: 'the supervisor of the workers cannot be asked now' };
const TOO_LATE: Outcome = { type: 'timeout', detail: 'the process that owns this connection was too busy; nothing was done' };
const nobody: Answers = { parts: [], unreachable: ['*'] };
const LATE: { readonly [Type in Answer['type']]: Extract<Answer, { type: Type }> } = {
  outcome: { type: 'outcome', outcome: unavailable },
  answers: { type: 'answers', answers: nobody },
  claimed: { type: 'claimed', isGranted: true },
};
