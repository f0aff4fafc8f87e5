/**
 * A second reading of RFC 6455 §4.2.1 (and of RFC 9110 and 9112 beneath it), without a line of the gateway's: is this
 * request a good opening handshake? Where the RFC leaves a choice, or says nothing, it is `free`.
 */
export type HandshakeReading = {
  readonly judgement: 'accept' | 'refuse' | 'free';
  readonly why: string;
  /** Does it ask for nothing but WebSocket? Else a server may take it for a plain request. */
  readonly isClear: boolean;
  /** The one key, where there is one. */
  readonly key: string;
};

export type Handshake = {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  /** Name and value, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[];
};

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z\-._~!$&'()*+,;=%]+)(:\d*)?$/;
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const KEY_WITHOUT_STRAY_BITS = /^[+/0-9A-Za-z]{21}[AQgw]==$/;
const EXTENSIONS = /^[\w-]+(; ?[\w-]+(="?[\w-]+"?)?)*(, ?[\w-]+(; ?[\w-]+(="?[\w-]+"?)?)*)*$/;
/** Beyond it 431 is a choice (RFC 6585 §5); Node counts names and values. */
const HEAD_BYTES = 8_000;

const MAY_CHANGE_THE_ANSWER = new Set(['expect', 'content-length', 'origin', 'x-forwarded-for', 'forwarded', 'http2-settings', 'te']);

export function readHandshake(handshake: Handshake): HandshakeReading {
  const byName = new Map<string, string[]>();
  for (const [field, value] of handshake.fields) {
    const name = field.toLowerCase();
    byName.set(name, [...(byName.get(name) ?? []), withoutSpace(value)]);
  }
  const values = (name: string): string[] => byName.get(name) ?? [];
  const listOf = (name: string): string[] => values(name).join(',').split(',').map(withoutSpace);
  const [key = ''] = values('sec-websocket-key');
  const isClear =
    listOf('upgrade').join(',').toLowerCase() === 'websocket' &&
    listOf('connection').some((element) => element.toLowerCase() === 'upgrade');
  const wrong = whatIsWrong(handshake, values, listOf);
  if (wrong !== null) return { judgement: 'refuse', why: wrong, key, isClear };
  const open = whatIsOpen(handshake, values, listOf);
  return open === null ? { judgement: 'accept', why: 'a good handshake', key, isClear } : { judgement: 'free', why: open, key, isClear };
}

/** RFC 9110 §5.6.3. */
function withoutSpace(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && (text[start] === ' ' || text[start] === '\t')) start += 1;
  while (start < end && (text[end - 1] === ' ' || text[end - 1] === '\t')) end -= 1;
  return text.slice(start, end);
}

type Values = (name: string) => readonly string[];

function whatIsWrong({ method, target, version, fields }: Handshake, values: Values, listOf: Values): string | null {
  const bad = fields.find(([name, value]) => !TOKEN.test(name) || value.includes('\0') || /[\r\n]/.test(value));
  if (bad !== undefined) return `the field ${JSON.stringify(bad)} (RFC 9112 §5)`;
  if (method !== 'GET') return `method ${method} (1.)`;
  if (version !== 'HTTP/1.1' && version !== 'HTTP/1.2') return `version ${version} (1.)`;
  if (target.includes('#')) return 'a fragment in the target (§3)';
  if (!/^(\/|https?:\/\/[^/?]|wss?:\/\/[^/?])/i.test(target) || !/^[!-~\x80-\xff]+$/.test(target)) return `the target ${target} (1.)`;
  const hosts = values('host');
  if (hosts.length !== 1 || !HOST.test(hosts[0] ?? '')) return `Host ${JSON.stringify(hosts)} (2.)`;
  if (!listOf('upgrade').some((element) => element.toLowerCase() === 'websocket')) return 'no websocket in Upgrade (3.)';
  if (!listOf('connection').some((element) => element.toLowerCase() === 'upgrade')) return 'no Upgrade in Connection (4.)';
  if (values('sec-websocket-key').length !== 1 || !KEY.test(values('sec-websocket-key')[0] ?? ''))
    return `the key ${JSON.stringify(values('sec-websocket-key'))} (5.)`;
  if (values('sec-websocket-version').length !== 1 || values('sec-websocket-version')[0] !== '13')
    return `the version ${JSON.stringify(values('sec-websocket-version'))} (6.)`;
  const protocols = listOf('sec-websocket-protocol').filter((element) => element !== '');
  if (protocols.some((element) => !TOKEN.test(element))) return 'a subprotocol that is no token (§4.1, 10.)';
  if (new Set(protocols).size !== protocols.length) return 'a subprotocol twice (§4.1, 10.)';
  if (values('transfer-encoding').length > 0 || values('content-length').some((length) => length !== '0'))
    return 'a body, whose bytes would be taken for frames';
  return null;
}

function whatIsOpen({ target, version, fields }: Handshake, values: Values, listOf: Values): string | null {
  if (version === 'HTTP/1.2') return 'a higher minor version';
  if (!target.startsWith('/')) return 'an absolute target, which may name another host';
  if (target.length > 1_000) return 'a long target (RFC 9110 §4.1)';
  if (/%(?![0-9A-Fa-f]{2})/.test(target)) return 'half an escape in the target (RFC 3986 §2.1)';
  if (!/^[\x21-\x7e]*$/.test(target)) return 'bytes over 127 in the target (RFC 3986)';
  if (values('host')[0] !== '127.0.0.1') return 'a Host that the gateway may not know';
  if (fields.reduce((sum, [name, value]) => sum + name.length + value.length + 4, target.length) > HEAD_BYTES || fields.length > 500)
    return 'a long head (RFC 6585 §5)';
  if (fields.some(([, value]) => !VALUE.test(value))) return 'a control character in a field (RFC 9110 §5.5)';
  if (listOf('upgrade').length > 1) return 'several protocols in Upgrade, of which a server may take any';
  if (values('sec-websocket-protocol').length > 0 && listOf('sec-websocket-protocol').includes(''))
    return 'an empty element in a list (RFC 9110 §5.6.1)';
  if (!KEY_WITHOUT_STRAY_BITS.test(values('sec-websocket-key')[0] ?? '')) return 'stray bits in the key (RFC 4648 §3.5)';
  if (values('sec-websocket-extensions').some((value) => !EXTENSIONS.test(value))) return 'extensions that cannot be read';
  return fields.some(([name]) => MAY_CHANGE_THE_ANSWER.has(name.toLowerCase())) ? 'a field that may change the answer' : null;
}
