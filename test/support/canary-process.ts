import { WebSocket } from 'ws';
import { Stopwatch, ThreadsWait } from './machine.ts';

/** How the well-behaved client fared; `slowestMs` is without the time in which a process waited for a CPU. */
export type CanaryReport = {
  readonly echoes: number;
  readonly slowestMs: number;
  readonly slowestOnTheClockMs: number;
  readonly ending: string;
};

const EVERY_MS = 50;
const [url = '', protocol = '', ...pids] = process.argv.slice(2);

/** A client on its own connection, in a process of its own: it says a word every 50 ms and measures how long the echo takes. */
const waits = new Map([process.pid, ...pids.map(Number)].map((pid) => [pid, new ThreadsWait(pid)]));
const stopwatch = new Stopwatch(pids.map(Number), (pid) => waits.get(pid)?.ms() ?? 0);
const ws = new WebSocket(url, protocol === '' ? [] : [protocol], { perMessageDeflate: false });
const saidAt = new Map<string, { readonly ms: number; readonly onTheClockMs: number }>();
let said = 0;
let echoes = 0;
let slowestMs = 0;
let slowestOnTheClockMs = 0;
let ending = '';
let isLeaving = false;

/** OCPP wants a call, whose answer carries its message id; else any text comes back as it is. */
const wordOf = (number: number): string =>
  protocol === '' ? `canary ${number}` : JSON.stringify([2, `canary-${number}`, 'Heartbeat', {}]);
const keyOf = (text: string): string => (protocol === '' ? text : String((JSON.parse(text) as unknown[])[1]));

function say(): void {
  if (isLeaving || ws.readyState !== WebSocket.OPEN) return;
  said += 1;
  const word = wordOf(said);
  saidAt.set(keyOf(word), { ms: stopwatch.read(), onTheClockMs: performance.now() });
  ws.send(word);
}

function hear(text: string): void {
  const at = saidAt.get(keyOf(text));
  if (at === undefined) return void (ending = `an echo of nothing: ${text}`);
  saidAt.delete(keyOf(text));
  echoes += 1;
  const onTheClockMs = performance.now() - at.onTheClockMs;
  slowestOnTheClockMs = Math.max(slowestOnTheClockMs, onTheClockMs);
  if (onTheClockMs > slowestMs) slowestMs = Math.max(slowestMs, stopwatch.read() - at.ms); // which cannot be more, and costs CPU to be read
  if (isLeaving && saidAt.size === 0) leave();
}

function leave(): void {
  process.send?.({ echoes, slowestMs, slowestOnTheClockMs, ending } satisfies CanaryReport);
  ws.terminate();
  process.disconnect();
}

ws.on('message', (data: Buffer) => hear(data.toString()));
ws.on('error', (error) => {
  if (ws.readyState === WebSocket.CLOSING && said === 0) throw error; // it was never let in
  ending = String(error);
});
ws.on('close', (code) => (ending ||= isLeaving ? '' : `closed with ${code}`));
ws.on('open', () => {
  process.send?.('open');
  setInterval(say, EVERY_MS).unref();
});
process.on('message', () => {
  isLeaving = true;
  if (ending !== '' || saidAt.size === 0) return leave();
  setTimeout(() => {
    ending ||= `${saidAt.size} echoes never came`;
    leave();
  }, 5_000).unref();
});
process.on('disconnect', () => process.exit(0));
