import type { Answers, Outcome } from '../../core/commands.ts';
import type { Link } from './link.ts';
import type { Bus, BusHandler } from '../../core/ports.ts';
import { isBusMessage, type FromWorker, type ToWorker } from './bus-messages.ts';

export type IpcBusOptions = { readonly link: Link; readonly owner: string; readonly timeoutMs: number };

type Question =
  | { readonly type: 'outcome'; readonly settle: (outcome: Outcome) => void }
  | { readonly type: 'answers'; readonly settle: (answers: Answers) => void }
  | { readonly type: 'claim'; readonly settle: (isGranted: boolean) => void }
  | { readonly type: 'welcome'; readonly settle: () => void };

/**
 * The bus between the workers of one node: every message goes over the supervisor, which knows each worker's owner
 * token and every client-chosen id. At most once; order is kept between two processes.
 */
export function createIpcBus({ link, owner, timeoutMs }: IpcBusOptions): Bus {
  const questions = new Map<number, Question>();
  let lastNumber = 0;
  let handler: BusHandler | null = null;

  const tell = (message: FromWorker): void => link.send(message);

  type Asking<Result> = {
    readonly make: (settle: (result: Result) => void) => Question;
    /** For a supervisor that hangs; it answers for silent workers itself. */
    readonly late: Result;
    readonly send: (n: number) => FromWorker;
    /** What the question may take by its nature. */
    readonly waitMs?: number;
  };

  function question<Result>({ make, late, send, waitMs = 0 }: Asking<Result>): Promise<Result> {
    lastNumber += 1;
    const n = lastNumber;
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(late), timeoutMs * 2 + waitMs);
      const settle = (result: Result): void => {
        clearTimeout(timer);
        questions.delete(n);
        resolve(result);
      };
      questions.set(n, make(settle));
      tell(send(n));
    });
  }

  link.onMessage((message) => {
    if (!isBusMessage<ToWorker>(message)) return;
    switch (message.bus) {
      case 'execute':
        void Promise.resolve(handler?.execute(message.command) ?? unavailable).then((outcome) =>
          tell({ bus: 'done', n: message.n, outcome }),
        );
        break;
      case 'answer':
        void handler?.answer(message.query).then((part) => tell({ bus: 'part', n: message.n, part }));
        break;
      case 'evict':
        handler?.evict(message.id, message.key);
        break;
      case 'bereaved':
        handler?.bereaved();
        break;
      case 'welcome':
        questions.get(0)?.settle(undefined as never);
        break;
      case 'outcome':
        settle(message.n, 'outcome', message.outcome);
        break;
      case 'answers':
        settle(message.n, 'answers', message.answers);
        break;
      case 'claimed':
        settle(message.n, 'claim', message.isGranted);
        break;
    }
  });

  function settle(n: number, type: Question['type'], result: unknown): void {
    const asked = questions.get(n);
    if (asked?.type === type) asked.settle(result as never);
  }

  return {
    serve(given) {
      handler = given;
      return new Promise((resolve) => {
        questions.set(0, { type: 'welcome', settle: () => resolve() });
        tell({ bus: 'hello', owner });
      });
    },
    ask: (command) =>
      question<Outcome>({
        make: (settle) => ({ type: 'outcome', settle }),
        late: unavailable,
        send: (n) => ({ bus: 'ask', n, command }),
        waitMs: command.type === 'rpc-call' ? (command.waitMs ?? 0) : 0,
      }),
    askAll: (query) =>
      question<Answers>({ make: (settle) => ({ type: 'answers', settle }), late: nobody, send: (n) => ({ bus: 'ask-all', n, query }) }),
    claim: (id, key, mayReplace) =>
      question<boolean>({
        make: (settle) => ({ type: 'claim', settle }),
        late: true,
        send: (n) => ({ bus: 'claim', n, id, key, mayReplace }),
      }),
    release: (id, key) => tell({ bus: 'release', id, key }),
    close() {
      for (const { type, settle } of questions.values())
        settle((type === 'outcome' ? unavailable : type === 'answers' ? nobody : true) as never);
      return Promise.resolve();
    },
  };
}

const unavailable: Outcome = { type: 'unavailable', detail: 'the supervisor of the workers cannot be asked now' };
const nobody: Answers = { parts: [], unreachable: ['*'] };
