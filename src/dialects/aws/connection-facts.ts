/** What every event of a connection says of it. It travels as the connection's `data`, so that a ledger keeps it, too. */
export type ConnectionFacts = {
  /** Epoch ms. */
  readonly connectedAt: number;
  readonly sourceIp: string;
  readonly userAgent: string | null;
  /** What the authorizer said; null: there was none. */
  readonly authorizer: Readonly<Record<string, unknown>> | null;
};

export function writeFacts(facts: ConnectionFacts): string {
  return JSON.stringify(facts);
}

const UNKNOWN: ConnectionFacts = { connectedAt: 0, sourceIp: '', userAgent: null, authorizer: null };

/** What was written by this or another version of the program; what cannot be read is unknown. */
export function readFacts(data: string | null): ConnectionFacts {
  let read: unknown;
  try {
    read = JSON.parse(data ?? '');
  } catch {
    return UNKNOWN;
  }
  const { connectedAt, sourceIp, userAgent, authorizer } = Object(read) as Readonly<Record<keyof ConnectionFacts, unknown>>;
  return {
    connectedAt: typeof connectedAt === 'number' ? connectedAt : 0,
    sourceIp: typeof sourceIp === 'string' ? sourceIp : '',
    userAgent: typeof userAgent === 'string' ? userAgent : null,
    authorizer: typeof authorizer === 'object' && authorizer !== null ? (authorizer as Readonly<Record<string, unknown>>) : null,
  };
}
