import { Socket } from 'node:net';
import { died, failed, returned, stackOf, threwError } from './answer.ts';
import { Call, type CallEnd, type Handler } from './call.ts';
import { captureConsole } from './console-lines.ts';
import { Context } from './context.ts';
import { findHandler } from './find-handler.ts';
import { encodeFrame, FrameReader, type Frame } from './frames.ts';
import type { Invoke, Load } from './words.ts';

/**
 * The program of an instance: it loads one handler, then runs one call at a time. File descriptor 3 is its channel to the
 * gateway; when that ends the gateway is gone, or wants no more of it.
 */
const MAX_EVENT_BYTES = 33_554_432;
/** What AWS's runtime exits with after an error that nobody caught. */
const EXIT_UNCAUGHT = 129;

const READY = encodeFrame({ type: 'ready' });

let loaded: { readonly load: Load; readonly handler: Handler } | null = null;
let running: { readonly call: Call; readonly requestId: string } | null = null;

const write = captureConsole(() => running?.requestId ?? null);
const channel = new Socket({ fd: 3, readable: true, writable: true });
const reader = new FrameReader(MAX_EVENT_BYTES);
channel.on('data', (chunk) => {
  for (const frame of reader.read(chunk)) told(frame);
});
channel.on('error', () => process.exit(0));
channel.on('close', () => process.exit(0));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {}); // who stops all processes at once: the gateway, which drains, still needs this one
process.on('beforeExit', () => running?.call.idle());
process.on('uncaughtException', (error, origin) => {
  write('error', `Uncaught Exception ${stackOf(error)}`);
  channel.end(running === null ? '' : died(error, origin === 'unhandledRejection'), () => process.exit(EXIT_UNCAUGHT));
});

function told({ header, payload }: Frame): void {
  const said = header as Load | Invoke;
  if (said.type === 'load') void start(said);
  else if (loaded !== null) run(loaded, { said, payload });
}

async function start(load: Load): Promise<void> {
  try {
    loaded = { load, handler: await findHandler(load.file, load.export) };
    channel.write(READY);
  } catch (error) {
    write('error', `Uncaught Exception ${stackOf(error)}`);
    channel.end(failed(error), () => process.exit(1));
  }
}

function run({ load, handler }: NonNullable<typeof loaded>, { said, payload }: { readonly said: Invoke; readonly payload: Buffer }): void {
  const call = new Call(ended);
  running = { call, requestId: said.requestId };
  channel.unref(); // so that `beforeExit` tells when nothing is left to do
  call.start(handler, { event: JSON.parse(payload.toString()) as unknown, context: new Context(load, said) });
}

function ended(end: CallEnd): void {
  if (end.type === 'threw') write('error', `Invoke Error ${stackOf(end.error)}`);
  running = null;
  channel.ref();
  channel.write(end.type === 'threw' ? threwError(end.error) : returned(end.value));
}
