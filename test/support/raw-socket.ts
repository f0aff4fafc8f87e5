import { connect as connectTcp, type Socket } from 'node:net';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { Arrivals } from './arrivals.ts';

export type HttpAnswer = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string };
export type RawFrame = { readonly opcode: number; readonly payload: Buffer; readonly code: number };

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** A bare TCP peer: it sends what no honest client would, and does by itself nothing but read. */
export type RawSocket = {
  readonly socket: Socket;
  readonly write: (...parts: readonly (string | Buffer)[]) => void;
  /** The first HTTP answer: by its `Content-Length`, else all bytes until the end. */
  readonly answer: Promise<HttpAnswer>;
  /** What came after a 101. */
  readonly frames: Arrivals<RawFrame>;
  /** The code of the gateway's close frame, or null where the connection ended without one. */
  readonly closeCode: Promise<number | null>;
  readonly ended: Promise<void>;
};

type Head = Readonly<{
  path?: string;
  method?: string;
  version?: string;
  headers?: Readonly<Record<string, string | null>>;
  extra?: string;
}>;

/** An upgrade request as RFC 6455 §4.1 wants it, but for what is asked to be wrong; null leaves a header out. */
export function upgradeRequest({ path = '/', method = 'GET', version = '1.1', headers = {}, extra = '' }: Head = {}): string {
  const all = {
    Host: 'gateway',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}\r\n`]));
  return `${method} ${path} HTTP/${version}\r\n${lines.join('')}${extra}\r\n`;
}

/** One client frame (RFC 6455 §5.2), masked unless told otherwise. `opcode` may carry reserved bits. */
export function frame(opcode: number, payload: string | Buffer = '', { fin = true, masked = true } = {}): Buffer {
  const data = Buffer.from(payload);
  const size = data.length < 126 ? [data.length] : [126, data.length >> 8, data.length & 255];
  if (data.length > 65_535) size.splice(0, 3, 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (data.length >>> shift) & 255));
  if (masked) size[0] = (size[0] ?? 0) | 128;
  const mask = masked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0);
  const bytes = Buffer.concat([Buffer.from([(fin ? 128 : 0) | opcode, ...size]), mask, data]);
  const start = bytes.length - data.length;
  if (masked) for (let index = 0; index < data.length; index += 1) bytes[start + index] = (data[index] ?? 0) ^ ((index & 3) + 1);
  return bytes;
}

export function closeFrame(code: number, reason = ''): Buffer {
  return frame(CLOSE, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));
}

/** Connects to `ws://…` or `http://…`; dropped when the test ends. */
export async function openRaw(t: Pick<TestContext, 'after'>, url: string): Promise<RawSocket> {
  const { hostname, port } = new URL(url);
  const socket = connectTcp({ host: hostname, port: Number(port), noDelay: true });
  t.after(() => socket.destroy());
  socket.on('error', () => {}); // a reset is an end like any other
  await once(socket, 'connect');
  const frames = new Arrivals<RawFrame>();
  let pending: Buffer = Buffer.alloc(0);
  let isUpgraded = false;
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  let answered: (answer: HttpAnswer) => void;
  const answer = new Promise<HttpAnswer>((resolve, reject) => {
    answered = resolve;
    socket.once('close', () => {
      const last = readAnswer(pending, true);
      if (last === null) reject(new Error(`the connection ended without an HTTP answer: ${pending.toString('latin1', 0, 200)}`));
      else resolve(last.answer);
    });
  });
  answer.catch(() => {}); // only an error where somebody waits for it
  let told: (code: number | null) => void;
  const closeCode = new Promise<number | null>((resolve) => {
    told = resolve;
    socket.once('close', () => resolve(null));
  });
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    if (!isUpgraded) {
      const read = readAnswer(pending, false);
      if (read === null) return;
      answered(read.answer);
      pending = read.rest;
      isUpgraded = read.answer.status === 101;
    }
    if (isUpgraded) {
      pending = readFrames(pending, frames);
      const last = frames.all.at(-1); // a close frame is the last one (RFC 6455 §5.5.1)
      if (last?.opcode === CLOSE) told(last.code);
    }
  });
  const write = (...parts: readonly (string | Buffer)[]): void => {
    if (socket.writable) socket.write(Buffer.concat(parts.map((part) => Buffer.from(part as string))));
  };
  return { socket, write, answer, frames, closeCode, ended };
}

/** Sends these bytes over a connection of their own and waits for the HTTP answer. */
export async function exchange(t: Pick<TestContext, 'after'>, url: string, bytes: string | Buffer): Promise<HttpAnswer> {
  const raw = await openRaw(t, url);
  raw.write(bytes);
  return await raw.answer;
}

/** A raw peer whose upgrade was accepted. */
export async function upgradeRaw(t: Pick<TestContext, 'after'>, url: string, head: Head = {}): Promise<RawSocket> {
  const raw = await openRaw(t, url);
  raw.write(upgradeRequest(head));
  const { status, body } = await raw.answer;
  if (status !== 101) throw new Error(`the upgrade was answered ${status}: ${body}`);
  return raw;
}

function readAnswer(bytes: Buffer, isEnd: boolean): { readonly answer: HttpAnswer; readonly rest: Buffer } | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(first.split(' ')[1]);
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  const length = status === 101 || status === 204 ? 0 : Number(headers['content-length'] ?? NaN);
  const start = end + 4;
  if (!isEnd && !(bytes.length >= start + length)) return null;
  const stop = Number.isNaN(length) ? bytes.length : start + length;
  return { answer: { status, headers, body: bytes.toString('utf8', start, stop) }, rest: bytes.subarray(stop) };
}

/** Takes whole frames of the gateway, which are never masked, and gives back what is left. */
function readFrames(bytes: Buffer, frames: Arrivals<RawFrame>): Buffer {
  let rest = bytes;
  for (;;) {
    if (rest.length < 2) return rest;
    const short = (rest[1] ?? 0) & 127;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (rest.length < start) return rest;
    const length = short === 126 ? rest.readUInt16BE(2) : short === 127 ? Number(rest.readBigUInt64BE(2)) : short;
    if (rest.length < start + length) return rest;
    const opcode = (rest[0] ?? 0) & 15;
    const payload = rest.subarray(start, start + length);
    frames.add({ opcode, payload, code: opcode === CLOSE && length >= 2 ? payload.readUInt16BE(0) : 0 });
    rest = rest.subarray(start + length);
  }
}
