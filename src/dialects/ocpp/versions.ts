/** What differs between the versions of OCPP-J on the wire. */
export type OcppVersion = {
  readonly subprotocol: Subprotocol;
  /** Are there CALLRESULTERROR (5) and SEND (6)? Elsewhere they are unknown numbers. */
  readonly hasSend: boolean;
  /** The id in the answer to a message whose own id cannot be read; null: such a message is dropped. */
  readonly unreadableId: string | null;
  /** The code for a message that is not an RPC frame. */
  readonly frameworkError: string;
  /** The code for a call that has the id of one in progress. */
  readonly duplicateError: string;
  /** The code for a payload that is not an object. */
  readonly formatError: string;
  /** Longest identity in characters; null: only bytes count. */
  readonly maxIdentityLength: number | null;
};

export type Subprotocol = 'ocpp1.6' | 'ocpp2.0.1' | 'ocpp2.1';

const VERSIONS: Readonly<Record<Subprotocol, OcppVersion>> = {
  'ocpp1.6': {
    subprotocol: 'ocpp1.6',
    hasSend: false,
    unreadableId: null,
    frameworkError: 'FormationViolation',
    duplicateError: 'ProtocolError',
    formatError: 'FormationViolation',
    maxIdentityLength: null,
  },
  'ocpp2.0.1': {
    subprotocol: 'ocpp2.0.1',
    hasSend: false,
    unreadableId: '-1',
    frameworkError: 'RpcFrameworkError',
    duplicateError: 'RpcFrameworkError',
    formatError: 'FormatViolation',
    maxIdentityLength: 48,
  },
  'ocpp2.1': {
    subprotocol: 'ocpp2.1',
    hasSend: true,
    unreadableId: '-1',
    frameworkError: 'RpcFrameworkError',
    duplicateError: 'RpcFrameworkError',
    formatError: 'FormatViolation',
    maxIdentityLength: 48,
  },
};

/** Every version that this gateway speaks. */
export const SUBPROTOCOLS: readonly Subprotocol[] = ['ocpp1.6', 'ocpp2.0.1', 'ocpp2.1'];

export function versionOf(subprotocol: string | null): OcppVersion | null {
  return subprotocol !== null && Object.hasOwn(VERSIONS, subprotocol) ? VERSIONS[subprotocol as Subprotocol] : null;
}

/** The first of the client's offers, in its order of preference, that is among the configured versions. */
export function chooseVersion(offered: readonly string[], configured: readonly Subprotocol[]): Subprotocol | null {
  for (const offer of offered) {
    const found = configured.find((name) => name === offer);
    if (found !== undefined) return found;
  }
  return null;
}
