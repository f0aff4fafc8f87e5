import type { Receiver } from '../core/ports.ts';
import type { Entry } from './entries.ts';

/** What became of an entry that was handed to a broker. */
export type Fate =
  | { readonly type: 'stored' }
  /** The broker has answered that it did not take it. */
  | { readonly type: 'declined'; readonly because: string }
  /** The connection broke before an answer: it may be stored. */
  | { readonly type: 'lost' };

/** An entry on its way, and who is told what became of it: once, and never from inside `send`. */
export interface Parcel extends Receiver<Fate> {
  /** Of the stream; of an exchange the routing key. */
  readonly name: string;
  readonly entry: Entry;
}

export type LinkListener = {
  /** Entries may be sent. */
  up(): void;
  /** Those on their way are told that they are lost, before or after. */
  down(because: string): void;
};

/** One connection to a broker for entries out. It connects, and again after every loss, for ever. Never throws. */
export interface StreamLink {
  start(listener: LinkListener): void;
  /** Hands these over in this order, in one piece. Only while it is up. */
  send(parcels: readonly Parcel[]): void;
  /** Drops a connection on which nothing comes back any more; another one follows. */
  reset(because: string): void;
  close(): Promise<void>;
}

/** A command as it came: its fields by their names, the message as bytes. */
export type CommandEntry = {
  readonly id: string;
  readonly fields: ReadonlyMap<string, Buffer>;
};

/** What came of a command, and who wants to know it. */
export type CommandResult =
  | {
      readonly type: 'executed';
      /** Null: nobody. Else the stream, or queue, that the answer goes to. */
      readonly replyTo: string | null;
      /** Name, value, name, value … */
      readonly answer: readonly string[];
    }
  /** It cannot be understood, and never will be. */
  | { readonly type: 'dead'; readonly reason: string };

export type CommandExecutor = {
  /** Never rejects. The next command of the source is handed over once it has resolved. */
  execute(command: CommandEntry): Promise<CommandResult>;
  /** A command that another consumer held was taken over. */
  claimed(): void;
  /** The source cannot be read at the moment, and why; null: it can again. */
  trouble(because: string | null): void;
};

/**
 * Commands that wait in a stream or a queue. Each is handed to one executor of all nodes, and acknowledged once it was
 * executed, so that one whose node dies meanwhile is executed by another: at least once.
 */
export interface CommandSource {
  start(executor: CommandExecutor): void;
  /** Reads no further; resolves when the command that runs is executed and acknowledged, or cannot be. Idempotent. */
  close(): Promise<void>;
}
