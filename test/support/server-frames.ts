import assert from 'node:assert/strict';
import { BINARY, CLOSE, PING, PONG, TEXT, type RawFrame } from './raw-socket.ts';

const NO_STATUS = 1005;

/** The first whole frame of a server in these bytes, read as strictly as RFC 6455 §5.2 is written, or null where it is not all there. */
export function readServerFrame(bytes: Buffer): { readonly frame: RawFrame; readonly rest: Buffer } | null {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return null;
  assert.equal(first & 0xf0, 0x80, 'the gateway sends whole messages, without reserved bits');
  const opcode = first & 15;
  assert.ok([TEXT, BINARY, CLOSE, PING, PONG].includes(opcode), `opcode ${opcode}`);
  assert.equal(second & 128, 0, 'a server must not mask (§5.1)');
  const start = second === 126 ? 4 : second === 127 ? 10 : 2;
  if (bytes.length < start) return null;
  const length = start === 4 ? bytes.readUInt16BE(2) : start === 10 ? Number(bytes.readBigUInt64BE(2)) : second;
  assert.ok(start === 2 || length > (start === 4 ? 125 : 65_535), 'the length is not minimal');
  assert.ok(opcode < CLOSE || length <= 125, 'a control frame of over 125 bytes');
  if (bytes.length < start + length) return null;
  const payload = bytes.subarray(start, start + length);
  const code = opcode !== CLOSE ? 0 : length === 0 ? NO_STATUS : payload.readUInt16BE(0);
  return { frame: { opcode, payload, code }, rest: bytes.subarray(start + length) };
}
