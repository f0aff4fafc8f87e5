import { CLOSE } from '../../core/close-codes.ts';
import type { Entry, EntryRequest } from '../../wire/entry.ts';
import type { Refusal } from '../../core/events.ts';
import { identityProblem, namesAnother } from './identity.ts';
import { chooseVersion, SUBPROTOCOLS, versionOf } from './versions.ts';
import { refused } from '../../wire/verdicts.ts';

export type OcppEntryOptions = {
  /** Accepted versions; none named: all. */
  readonly subprotocols?: readonly string[];
  /** A client with no version in common: refused by HTTP (default), or let in without a subprotocol and closed at once. */
  readonly noSubprotocol?: 'refuse' | 'close';
};

/** A 401 must say how to do better (RFC 9110 §15.5.2). */
export const BASIC_CHALLENGE = 'Basic realm="ocpp", charset="UTF-8"';

/** What is settled before the backend is asked: version, identity, and that the credentials are its own (docs/dialects/ocpp.md#at-the-door). */
export function enterOcpp({
  subprotocols = SUBPROTOCOLS,
  noSubprotocol = 'refuse',
}: OcppEntryOptions): (request: EntryRequest) => Entry | Refusal {
  const accepted = subprotocols.length === 0 ? SUBPROTOCOLS : SUBPROTOCOLS.filter((name) => subprotocols.includes(name));
  return ({ parameters, subprotocols: offered, authorization }) => {
    const version = versionOf(chooseVersion(offered, accepted));
    if (version === null) {
      const rejection = refused(400, 'BAD_REQUEST', `Sec-WebSocket-Protocol must offer one of ${accepted.join(', ')}`);
      if (noSubprotocol === 'refuse') return rejection;
      // it is to hear by WebSocket that it broke the protocol spoken here (RFC 6455 §7.4.1)
      return { ...rejection, closeCode: CLOSE.PROTOCOL_ERROR };
    }
    // the pattern's last parameter; of a wildcard, which may hold several segments, the last segment
    const [name, value] = Object.entries(parameters).at(-1) ?? ['', ''];
    const identity = name === '*' ? value.slice(value.lastIndexOf('/') + 1) : value;
    const problem = identityProblem(identity, version);
    if (problem !== null) return refused(400, 'BAD_REQUEST', problem);
    if (namesAnother(authorization, identity)) {
      const unauthorized = refused(401, 'UNAUTHORIZED', 'the user name must equal the identity in the path');
      return { ...unauthorized, headers: { 'WWW-Authenticate': BASIC_CHALLENGE } };
    }
    return { clientId: identity, subprotocol: version.subprotocol };
  };
}
