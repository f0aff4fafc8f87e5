import type { CommandSource, StreamLink } from '../wire/streams.ts';
import type { StreamTarget } from '../wire/stream-targets.ts';

export type Technology = StreamTarget['technology'];
export type TargetOf<Name extends Technology> = Extract<StreamTarget, { readonly technology: Name }>;

/** What speaks with brokers of one kind, for entries out and commands in. A rejection says why its address can never be used. */
type StreamEngine<Name extends Technology> = {
  readonly link: (target: TargetOf<Name>) => Promise<StreamLink>;
  /** `consumer`: this process's name among those that read the same commands. */
  readonly commands: (target: TargetOf<Name>, consumer: string) => Promise<CommandSource>;
};

const ENGINES: { readonly [Name in Technology]: StreamEngine<Name> } = {
  redis: {
    link: async (target) => (await import('./redis/stream-link.ts')).createRedisLink(target),
    commands: async (target, consumer) => (await import('./redis/stream-commands.ts')).createRedisCommands(target, consumer),
  },
  amqp: {
    link: async (target) => (await import('./amqp/stream-link.ts')).createAmqpLink(target),
    commands: async (target) => (await import('./amqp/stream-commands.ts')).createAmqpCommands(target),
  },
};

/** Streams by their technology. Each is loaded when it is used. */
export const openStream = {
  link: (target: StreamTarget): Promise<StreamLink> => engineOf(target.technology).link(target),
  commands: (target: StreamTarget, consumer: string): Promise<CommandSource> => engineOf(target.technology).commands(target, consumer),
};

function engineOf(technology: Technology): StreamEngine<Technology> {
  return ENGINES[technology] as StreamEngine<Technology>;
}
