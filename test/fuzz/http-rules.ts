import { readBody } from './http-body-rules.ts';
import { CONTROL, FIELD, FREE, type HttpReading, type ReadRequest } from './http-reading.ts';

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP\/(\d)\.(\d)$/; // RFC 9112 §3
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z\-._~!$&'()*+,;=%]+)(:\d*)?$/; // RFC 3986 §3.2.2
const HEAD_BYTES = 8_000; // beyond it 431 is a choice (RFC 6585 §5)

/** Reads the first request. */
export function readHttp(bytes: Buffer): HttpReading {
  let start = 0;
  while (bytes[start] === 13 && bytes[start + 1] === 10) start += 2; // RFC 9112 §2.2: empty lines before a request are ignored
  if (start > 2) return { ...FREE, why: 'more than one empty line before the request' };
  const end = bytes.indexOf('\r\n\r\n', start);
  const head = bytes.toString('latin1', start, end < 0 ? bytes.length : end);
  if (/(?:^|[^\r])\n|\r(?:[^\n]|$)/.test(head)) return { ...FREE, why: 'a line that does not end with CRLF (RFC 9112 §2.2)' };
  if (head.length > HEAD_BYTES) return { ...FREE, why: 'a long head' };
  const [first = '', ...lines] = head.split('\r\n');
  if (end < 0) return unfinished(head);
  const line = REQUEST_LINE.exec(first);
  if (line === null && REQUEST_LINE.test(first.trim().replaceAll(/[\t\v\f ]+/g, ' ')))
    return { ...FREE, why: 'odd whitespace in the request line (RFC 9112 §3)' };
  if (line === null) return { type: 'broken', why: `no request line: ${first}` };
  const [, method = '', target = '', major = '', minor = ''] = line;
  if (major !== '1') return { type: 'broken', why: `HTTP/${major}.${minor}` };
  const headers = new Map<string, string[]>();
  for (const text of lines) {
    const field = FIELD.exec(text);
    if (field === null) return { type: 'broken', why: `no header field: ${text}` };
    const [, name = '', value = ''] = field;
    if (CONTROL.test(value)) return { ...FREE, why: 'a control character in a field (RFC 9110 §5.5)' };
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value.replaceAll(/^[\t ]+|[\t ]+$/g, '')]);
  }
  if (minor !== '0' && minor !== '1') return { ...FREE, why: 'a higher minor version (RFC 9110 §2.5)' };
  const isOld = minor === '0';
  if (method === 'CONNECT') return { ...FREE, why: 'CONNECT, whose answer would be a tunnel (RFC 9110 §9.3.6)' };
  if (headers.has('upgrade')) return { ...FREE, why: 'an upgrade: the fuzzer of handshakes judges those' };
  const framed = readBody(bytes.subarray(end + 4), headers, isOld);
  if (framed.type === 'broken' || framed.type === 'incomplete') return { ...framed, mayBeAnswered: method !== 'PUT' };
  if (framed.type !== 'body') return framed;
  const options = new Set((headers.get('connection') ?? []).flatMap((value) => value.toLowerCase().split(',')).map((name) => name.trim()));
  const isLast = options.has('close') || (isOld && !options.has('keep-alive')); // RFC 9112 §9.3
  const request = { method, target, headers, body: framed.body, isLast };
  return { type: 'request', request, unfit: unfitness(request, isOld), rest: bytes.subarray(end + 4 + framed.length) };
}

function unfinished(head: string): HttpReading {
  return head.includes('\0') ? { ...FREE, why: 'NUL in a head that is not all there' } : { type: 'incomplete' };
}

/** Why a request with clear bounds must be refused. */
function unfitness({ method, target, headers }: ReadRequest, isOld: boolean): string | null {
  const hosts = headers.get('host') ?? [];
  if (hosts.length > 1) return 'more than one Host (RFC 9112 §3.2)';
  if (hosts.length === 0 && !isOld) return 'no Host (RFC 9112 §3.2)';
  if (hosts.length === 1 && !HOST.test(hosts[0] ?? '')) return `Host ${JSON.stringify(hosts[0])} (RFC 9110 §7.2)`;
  if (target.includes('#')) return 'a fragment in the target (RFC 9112 §3.2)';
  if (!/^(\/|\*$|[A-Za-z][0-9A-Za-z+.-]*:\/\/)/.test(target) || (target === '*' && method !== 'OPTIONS')) return `the target ${target}`;
  return null;
}
