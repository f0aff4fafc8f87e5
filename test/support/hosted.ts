import type { TestContext } from 'node:test';
import { createGateway, type Client, type Gateway, type GatewayOptions, type Handlers, type HandlersFactory } from '../../src/index.ts';
import { Arrivals } from './arrivals.ts';
import type { LogLine } from './gateway.ts';

/** A callback that was called. */
export type Called = { readonly name: keyof Handlers; readonly client: Client; readonly parts: readonly unknown[] };

export type HostedScene = {
  readonly gateway: Gateway;
  readonly wsUrl: string;
  readonly controlUrl: string;
  readonly log: Arrivals<Omit<LogLine, 'level'>>;
};

type Given = Omit<GatewayOptions, 'routes' | 'logger'> & Partial<Pick<GatewayOptions, 'routes'>>;

const NAMES = ['onOpen', 'onMessage', 'onDrained', 'onShutdown', 'onClose'] as const;

/** A gateway of this process on free ports, whose handlers take every path unless there are routes. It is closed when the test ends. */
export async function host(
  t: Pick<TestContext, 'after'>,
  handlers: Handlers | HandlersFactory,
  { options, routes = [{ path: '/*', backend: handlers }], ...given }: Given = {},
): Promise<HostedScene> {
  const log = new Arrivals<Omit<LogLine, 'level'>>();
  const add = (facts: object, msg: string): void => log.add({ ...facts, msg });
  const gateway = await createGateway({
    options: { HOST: '127.0.0.1', PORT: 0, DRAIN_MS: 50, CONTROL_ALLOW: '127.0.0.0/8', LOG_LEVEL: 'DEBUG', ...options },
    routes,
    logger: { error: add, warn: add, info: add, debug: add },
    ...given,
  });
  t.after(() => gateway.close());
  const { publicUrl, controlUrl } = await gateway.listen();
  return { gateway, wsUrl: publicUrl.replace('http', 'ws'), controlUrl, log };
}

/** Handlers that note each call, and then do what the given ones do. */
export function recorded(handlers: Handlers = {}): { readonly handlers: Handlers; readonly calls: Arrivals<Called> } {
  const calls = new Arrivals<Called>();
  const entries = NAMES.map((name) => [
    name,
    (client: Client, ...parts: unknown[]) => {
      calls.add({ name, client, parts });
      return (handlers[name] as ((...all: unknown[]) => unknown) | undefined)?.(client, ...parts);
    },
  ]);
  return { handlers: Object.fromEntries(entries) as Handlers, calls };
}

/** Is it this callback (of this client)? */
export function isCall(name: keyof Handlers, client?: Client): (call: Called) => boolean {
  return (call) => call.name === name && (client === undefined || call.client === client);
}

/** What was called for one client, in short. */
export function storyOf({ all }: Arrivals<Called>, client: Client): string[] {
  return all
    .filter((call) => call.client === client)
    .map(({ name, parts }) => (name === 'onMessage' ? String(parts[0]) : name === 'onClose' ? `onClose ${String(parts[0])}` : name));
}
