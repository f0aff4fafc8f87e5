import type { TestContext } from 'node:test';
import { RPCClient } from 'ocpp-rpc';

type Payload = Readonly<Record<string, unknown>>;
type Handler = (call: { readonly params: Payload; readonly messageId: string }) => Payload | Promise<Payload>;

/** What the tests use of ocpp-rpc's client; its own types ask for every option and promise handlers only. */
export type Station = {
  readonly handle: (action: string, handler: Handler) => void;
  readonly call: (action: string, payload: Payload) => Promise<Payload>;
  readonly close: (how?: { readonly code?: number; readonly force?: boolean }) => Promise<unknown>;
  readonly once: (event: 'close', listener: (ending: { readonly code: number; readonly reason: string }) => void) => void;
};

export type StationOptions = {
  /** Without the identity. */
  readonly endpoint: string;
  readonly identity: string;
  readonly protocols: readonly string[];
  /** With Basic authentication: its bytes. */
  readonly password?: Buffer;
};

/** A charge point by a library that others wrote. It does not come back by itself: a test that passes has not reconnected. */
export async function enterStation(t: Pick<TestContext, 'after'>, options: StationOptions): Promise<Station> {
  const client = new RPCClient({ ...options, reconnect: false } as unknown as ConstructorParameters<typeof RPCClient>[0]);
  t.after(() => client.close({ force: true }).catch(() => {}));
  await client.connect();
  return client as unknown as Station;
}
