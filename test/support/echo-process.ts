import { startEchoBackend, type Told } from './echo-backend.ts';

/** The echo backend as a program of its own: a busy test does not delay it. It is asked for what it was told by any message. */
export type EchoStarted = { readonly url: string; readonly port: number };
export type EchoTold = Told;

const backend = await startEchoBackend({ after: () => {} });
process.on('message', () => process.send?.(backend.told));
process.on('disconnect', () => process.exit(0));
process.send?.({ url: backend.url, port: backend.port } satisfies EchoStarted);
