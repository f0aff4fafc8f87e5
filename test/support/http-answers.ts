import assert from 'node:assert/strict';

export type WholeAnswer = { readonly status: number; readonly headers: ReadonlyMap<string, string>; readonly body: Buffer };

const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) [\t\x20-\x7e]*$/; // RFC 9112 §4
const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\t\x20-\x7e\x80-\xff]*)$/; // RFC 9110 §5
const HEAD_LIMIT = 16_384;

/** The first whole answer in these bytes, read as strictly as RFC 9112 is written, or null where it is not all there. Throws where it is none. */
export function readWholeAnswer(bytes: Buffer, { isToHead = false } = {}): { readonly answer: WholeAnswer; readonly rest: Buffer } | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) {
    const mayBecomeOne = bytes.length < HEAD_LIMIT && 'HTTP/1.1 '.startsWith(bytes.toString('latin1', 0, 9));
    if (!mayBecomeOne) assert.fail(`no HTTP answer: ${quote(bytes)}`);
    return null;
  }
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(STATUS_LINE.exec(first)?.[1] ?? assert.fail(`no status line: ${quote(bytes)}`));
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', value = ''] = HEADER.exec(line) ?? assert.fail(`no header: ${JSON.stringify(line)}`);
    assert.ok(name.toLowerCase() === 'set-cookie' || !headers.has(name.toLowerCase()), `${name} twice in one answer`);
    headers.set(name.toLowerCase(), value);
  }
  const hasBody = !isToHead && status >= 200 && status !== 204 && status !== 304;
  const length = headers.get('content-length');
  if (hasBody && !/^\d+$/.test(length ?? '')) assert.fail(`an answer needs its length: ${quote(bytes)}`);
  assert.equal(headers.has('transfer-encoding'), false, 'no answer here is so large that it needs chunks');
  const start = end + 4;
  const stop = start + (hasBody ? Number(length) : 0);
  return bytes.length < stop ? null : { answer: { status, headers, body: bytes.subarray(start, stop) }, rest: bytes.subarray(stop) };
}

/** A refusal is told in the form of the project: JSON with a code for programs and a message for people. */
export function assertTellsWhy({ status, headers, body }: WholeAnswer): void {
  if (status < 400) return;
  if (!/^application\/json\b/.test(headers.get('content-type') ?? '')) assert.fail(`${status} is not JSON: ${quote(body)}`);
  const told = JSON.parse(body.toString()) as Record<string, unknown>;
  if (Object.keys(told).toSorted().join(',') !== 'code,message') assert.fail(`${status}: ${quote(body)}`);
  assert.match(String(told['code']), /^[A-Z_]+$/);
  if (typeof told['message'] !== 'string' || told['message'] === '') assert.fail(`${status} without a message: ${quote(body)}`);
}

function quote(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1', 0, 300));
}
