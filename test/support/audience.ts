import { connect, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { CLOSE, TEXT, upgradeRequest } from './raw-socket.ts';

/** Thousands of silent listeners in a thread of their own, so that reading what comes delays nobody who measures. */
export type AudienceOrder = { readonly url: string; readonly paths: readonly string[] };
/** Each listener's short texts, joined; told when all are in, and whenever so many texts have come in all. */
export type AudienceReport =
  | { readonly type: 'all in' }
  | { readonly type: 'heard'; readonly texts: readonly string[] }
  | { readonly type: 'fault'; readonly fault: string };

const AT_ONCE = 200;
const { url, paths } = workerData as AudienceOrder;
const { hostname, port } = new URL(url);
const heard: string[] = paths.map(() => '');
let count = 0;
let wanted = Infinity;

const tell = (report: AudienceReport): void => parentPort?.postMessage(report);
const fault = (index: number, text: string): void => tell({ type: 'fault', fault: `${paths[index]}: ${text}` });

function checkCount(): void {
  if (count < wanted) return;
  wanted = Infinity;
  tell({ type: 'heard', texts: heard });
}

function listen(index: number): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ host: hostname, port: Number(port) });
    let isIn = false;
    let pending: Buffer = Buffer.alloc(0);
    socket.on('error', (error) => fault(index, error.message));
    socket.on('close', () => fault(index, 'was dropped'));
    socket.on('data', (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      if (!isIn) {
        const end = pending.indexOf('\r\n\r\n');
        if (end < 0) return;
        if (pending.toString('latin1', 9, 12) !== '101') fault(index, pending.toString('latin1', 0, end));
        isIn = true;
        pending = pending.subarray(end + 4);
        resolve();
      }
      for (;;) {
        const [first = 0, size] = pending;
        if (size === undefined || pending.length < 2 + size) break;
        if ((first & 15) === TEXT) {
          heard[index] += `${pending.toString('utf8', 2, 2 + size)} `;
          count += 1;
        } else if ((first & 15) === CLOSE) fault(index, 'was closed');
        pending = pending.subarray(2 + size);
      }
      checkCount();
    });
    socket.write(upgradeRequest({ path: paths[index] ?? '/' }));
  });
}

/** How many texts, over all, since the beginning. */
parentPort?.on('message', (texts: number) => {
  wanted = texts;
  checkCount();
});

let next = 0;
async function lane(): Promise<void> {
  for (let index = next++; index < paths.length; index = next++) await listen(index);
}
await Promise.all(Array.from({ length: AT_ONCE }, lane));
tell({ type: 'all in' });
