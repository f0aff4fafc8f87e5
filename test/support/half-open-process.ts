import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type ConnectionOptions } from 'node:tls';

/** How far an attacker of a TLS port goes before it stops, or goes on by a byte a second. */
export type HalfOpen = 'says nothing' | 'begins to say hello' | 'dribbles a request';
export type HalfOpenReport = {
  /** Connections that came as far as they were to. */
  readonly inside: number;
  /** Connections that the gateway has ended. */
  readonly ended: number;
};

const [kind, port, count] = process.argv.slice(2) as [HalfOpen, string, string];
/** The head of a record of 200 bytes, and of the ClientHello in it (RFC 8446 §4, §5.1). */
const HELLO = Buffer.from('16030100c8010000c40303', 'hex');
const EVERY_MS = 1_000;

/** Attackers in a process of their own, all at once: their work is not to be taken for the gateway's. */
let inside = 0;
let ended = 0;
const dribbling: Socket[] = [];
/** Made once: what an attacker saves costs the machine that both run on. */
const secureContext = createSecureContext();
let session: Buffer | undefined;

function arrived(): void {
  inside += 1;
  tell();
}

function left(): void {
  ended += 1;
  tell();
}

function tell(): void {
  if (inside + ended >= Number(count)) process.send?.({ inside, ended } satisfies HalfOpenReport);
}

function attack(): void {
  const socket = connectTcp({ host: '127.0.0.1', port: Number(port) });
  socket.on('error', () => {}).on('close', left);
  if (kind === 'dribbles a request') {
    secured({ socket, secureContext, rejectUnauthorized: false, ...(session && { session }) });
    return;
  }
  socket.on('connect', () => {
    if (kind === 'begins to say hello') socket.write(HELLO);
    socket.resume();
    arrived();
  });
}

function secured(options: ConnectionOptions): void {
  const socket = connectTls(options);
  socket.on('error', () => {});
  socket.on('session', (ticket: Buffer) => (session ??= ticket));
  socket.on('secureConnect', () => {
    socket.write('GET / HTTP/1.1\r\nHost: gateway\r\nX-Long: ');
    socket.resume();
    dribbling.push(socket);
    arrived();
  });
}

setInterval(() => {
  for (const socket of dribbling) if (socket.writable) socket.write('x');
}, EVERY_MS);
process.on('disconnect', () => process.exit(0));
if (kind === 'dribbles a request') {
  attack();
  while (session === undefined) await new Promise((resolve) => setTimeout(resolve, 10)); // a ticket that all others resume by
}
for (let index = inside; index < Number(count); index += 1) attack();
