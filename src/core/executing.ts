import { isUtf8 } from 'node:buffer';
import { NOT_FOUND, NOT_TEXT, type Command, type Outcome } from './commands.ts';
import type { Connection } from './connection.ts';

/** Does a command on one connection. */
export function execute(connection: Connection, command: Command): Outcome | Promise<Outcome> {
  if ('routes' in command && command.routes !== undefined && !command.routes.includes(connection.route.name)) return NOT_FOUND;
  switch (command.type) {
    case 'push':
      if (!command.message.isBinary && !isUtf8(command.message.data)) return NOT_TEXT;
      return connection.push(command.message, command.idempotencyKey);
    case 'close':
      return connection.close(command.code, command.reason, 'backend');
    case 'describe':
      return { type: 'described', description: connection.describe(), data: connection.party.data };
    case 'rpc-call':
    case 'rpc-send':
    case 'rpc-reject':
      return connection.command(command);
  }
}

/**
 * Does a command for an id that clients choose (docs/routes.md#client-chosen-ids). Those that are still being asked about hold nothing: what
 * is pushed goes to the holder and to each of them, so that a stranger who is refused in the end takes nothing away from
 * the rightful client. A call, which has one answer, goes to one client or to none.
 */
export function executeByChosenId(
  holder: Connection | undefined,
  pending: ReadonlySet<Connection>,
  command: Command,
): Outcome | Promise<Outcome> {
  const isLeaving = holder?.state === 'closing' && pending.size > 0; // it reaches nobody, and answers for nobody else
  const [first, ...others] = holder === undefined || isLeaving ? pending : [holder, ...pending];
  if (first === undefined) return NOT_FOUND;
  switch (command.type) {
    case 'push':
    case 'close': {
      const outcome = execute(first, command);
      for (const other of others) void execute(other, command);
      return outcome;
    }
    case 'describe':
      return command.onlyHolder && holder === undefined ? NOT_FOUND : execute(first, command);
    case 'rpc-call':
    case 'rpc-send':
    case 'rpc-reject':
      return holder !== undefined || others.length === 0 ? execute(first, command) : SEVERAL;
  }
}

const SEVERAL: Outcome = { type: 'unavailable', detail: 'several clients with this id are being let in; nothing was sent' };
