import type { Commander } from '../../core/commander.ts';
import type { Answers } from '../../core/commands.ts';
import type { Limits } from '../../core/limits.ts';
import type { Observer } from '../../core/observer.ts';
import type { Log } from '../../core/ports.ts';
import { GatewayError } from '../../wire/errors.ts';
import type { CommandEntry, CommandExecutor, CommandResult } from '../../wire/streams.ts';
import { readCommand, type ReadCommand } from './command.ts';

export type ExecutorOptions = {
  readonly commander: Commander;
  readonly log: Log;
  readonly observer: Observer;
  /** Of the stream or queue, for logs. */
  readonly name: string;
  readonly limits: Pick<Limits, 'maxMessageBytes'>;
};

/** Carries out commands that came by a stream, as the control API carries out its requests (docs/dialects/stream.md#commands-from-a-stream). */
export class Executor implements CommandExecutor {
  readonly #options: ExecutorOptions;
  #problem: string | null = null;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  async execute(entry: CommandEntry): Promise<CommandResult> {
    const { commander, limits, log, observer, name } = this.#options;
    try {
      const command = readCommand(entry.fields, limits.maxMessageBytes);
      if (command.expiresAt !== null && Date.now() > command.expiresAt) return this.#expired(entry, command);
      const answers = await commander.query(command.query);
      observer.counted('commandsExecuted', 1);
      return { type: 'executed', replyTo: command.replyTo, answer: answerTo(entry, command, answers) };
    } catch (error) {
      observer.counted('commandsDropped', 1);
      const isMistake = error instanceof GatewayError;
      const reason = isMistake ? error.message : 'a fault of the gateway; its log has the cause';
      log.warn({ commands: name, entry: entry.id, reason, ...(!isMistake && { err: error }) }, 'a command was not carried out');
      return { type: 'dead', reason };
    }
  }

  claimed(): void {
    this.#options.observer.counted('commandsClaimed', 1);
  }

  trouble(because: string | null): void {
    if (because === this.#problem) return;
    const wasWell = this.#problem === null;
    this.#problem = because;
    const { log, name } = this.#options;
    if (because === null) log.info({ commands: name }, 'commands are read again');
    else if (wasWell) log.warn({ commands: name, because }, 'commands cannot be read for now');
  }

  #expired(entry: CommandEntry, command: ReadCommand): CommandResult {
    const { observer, log, name } = this.#options;
    observer.counted('commandsExpired', 1);
    log.info({ commands: name, entry: entry.id }, 'a command came after its time and was not carried out');
    return { type: 'executed', replyTo: command.replyTo, answer: [...aboutOf(entry, command), 'outcome', 'expired'] };
  }
}

/** `sent` is what it did: sent to, changed or closed. What is wrong with tags is wrong for all. */
function answerTo(entry: CommandEntry, command: ReadCommand, { parts, unreachable }: Answers): readonly string[] {
  const sum = (field: 'matched' | 'sent' | 'failed'): number => parts.reduce((total, part) => total + part[field], 0);
  const problem = parts.find((part) => part.problem !== null)?.problem ?? null;
  const answer = [...aboutOf(entry, command), 'outcome', problem !== null && sum('sent') === 0 ? 'failed' : 'ok'];
  for (const field of ['matched', 'sent', 'failed'] as const) answer.push(field, String(sum(field)));
  if (problem !== null) answer.push('reason', problem);
  if (unreachable.length > 0) answer.push('unreachable', unreachable.join(','));
  return answer;
}

function aboutOf({ id }: CommandEntry, { action, correlationId }: ReadCommand): string[] {
  return ['command', id, 'action', action, ...(correlationId === null ? [] : ['correlation_id', correlationId])];
}
