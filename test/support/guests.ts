import { after, type TestContext } from 'node:test';
import type { Answer, Backend, Call } from './backend.ts';
import { connect, type Client } from './client.ts';
import type { Gateway, GatewayProcess } from './gateway.ts';

/** A gateway and its backend, shared by the tests of one file. */
export type Scene = { readonly gateway: Gateway; readonly backend: Backend };
export type ProcessScene = Scene & { readonly gateway: GatewayProcess };

/** A client that was let in, and what the backend knows about it. */
export type Guest = Client & {
  readonly id: string;
  /** `path` or `?query` of its commands. */
  readonly command: (suffix?: string) => string;
  readonly push: (body: string | Uint8Array<ArrayBuffer>, headers?: Record<string, string>) => Promise<Response>;
};

export type Body = Readonly<Record<string, unknown>>;
type Options = NonNullable<Parameters<typeof connect>[2]> & { readonly path?: string };

/** Closes what is opened for all tests of a file when the last one has ended. */
export const wholeFile: Pick<TestContext, 'after'> = { after: (close) => after(close as () => unknown) };

let guests = 0;

/** A path that no other client of this process has, so that calls can be told apart. */
export function freshPath(): string {
  guests += 1;
  return `/guest-${guests}`;
}

/** Does this call tell the given event (of the given connection)? */
export function isEvent(name: 'open' | 'message' | 'close', id?: string): (call: Call) => boolean {
  return ({ headers }) => headers['ws-event'] === name && (id === undefined || headers['ws-connection'] === id);
}

/** Empty of a dialect that tells by headers alone. */
export const bodyOf = (call: Call): Body => JSON.parse(call.text || '{}') as Body;

export const isOpenOf =
  (path: string) =>
  (call: Call): boolean =>
    isEvent('open')(call) && bodyOf(call)['path'] === path;

/** The `open` call of the client that connects on this path. */
export function openOf({ backend }: Scene, path: string): Promise<Call> {
  return backend.calls.first(isOpenOf(path));
}

export async function enter(t: Pick<TestContext, 'after'>, scene: Scene, { path = freshPath(), ...options }: Options = {}): Promise<Guest> {
  const client = await connect(t, scene.gateway.wsUrl + path, options);
  const open = await openOf(scene, path);
  const id = String(open.headers['ws-connection']);
  const command = (suffix = '') => `${scene.gateway.controlUrl}/${id}${suffix}`;
  return { ...client, id, command, push: (body, headers = {}) => fetch(command(), { method: 'PUT', body, headers }) };
}

export const ok = (extra: Body = {}): Answer => ({ body: JSON.stringify({ code: 'OK', ...extra }) });

/** Accepts every client; for messages the given answer. */
export function onMessage(answer: (call: Call) => Answer | Promise<Answer>): Backend['answer'] {
  return (call) => (isEvent('message')(call) ? answer(call) : ok());
}

/** Resolves when a client that came before still talks both ways: its process lives and other connections are whole. */
export async function stillServes(scene: Scene, witness: Guest): Promise<void> {
  const word = `still here ${freshPath()}`;
  witness.ws.send(word);
  await scene.backend.calls.first((call) => isEvent('message', witness.id)(call) && call.text === word);
  const pushed = await witness.push(word);
  if (pushed.status !== 200) throw new Error(`a push to the witness was answered ${pushed.status}: ${await pushed.text()}`);
  await witness.frames.first(({ text }) => text === word);
}
