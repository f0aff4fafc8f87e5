import type { Description } from './commands.ts';
import type { Party } from './party.ts';

/** What a description of a connection is made of. */
type Described = {
  readonly party: Party;
  readonly namespace: string;
  readonly connectedAt: number;
  readonly lastActiveDate: number;
  readonly remoteAddress: string;
};

export function describe({ party, namespace, connectedAt, lastActiveDate, remoteAddress }: Described, node: string): Description {
  const { id, path, tags, subprotocol } = party;
  return {
    id,
    namespace,
    path,
    tags: tags === null ? {} : Object.fromEntries(tags),
    connectedAt,
    lastActiveAt: lastActiveDate,
    remoteAddress,
    subprotocol,
    node,
  };
}
