import type { TestContext } from 'node:test';
import type { Ran } from '../../src/dev/ran.ts';
import { startSession, type Session, type SessionOptions } from '../../src/dev/session.ts';
import { Arrivals } from './arrivals.ts';
import { AROUND } from './gateway.ts';

export type DevSession = Session & {
  /** Where clients of the first API connect. */
  readonly url: string;
  readonly ran: Arrivals<Ran>;
  readonly wrote: Arrivals<string>;
  readonly told: Arrivals<string>;
};

/** What the shell of whoever develops has; nothing of this process's own gets in. */
const SHELL = { ...AROUND, HOME: '/nowhere' };

/** What `wsaas dev` runs, in the process of the test and on a free port. Ended with the test. */
export async function startDev(
  t: Pick<TestContext, 'after'>,
  template: string,
  {
    shell = {},
    stage,
    apis,
    parameters = {},
  }: { shell?: Record<string, string>; stage?: string; apis?: string[]; parameters?: Record<string, string> } = {},
): Promise<DevSession> {
  const ran = new Arrivals<Ran>();
  const wrote = new Arrivals<string>();
  const told = new Arrivals<string>();
  const options: SessionOptions = {
    template,
    options: { stage, region: undefined, parameters: new Map(Object.entries(parameters)), environment: { ...SHELL, ...shell } },
    apis,
    host: '127.0.0.1',
    port: 0,
    output: { ran: (one) => ran.add(one), wrote: (text) => wrote.add(text), told: (text) => told.add(text) },
  };
  const session = await startSession(options);
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => (closing ??= session.close());
  t.after(close);
  const [url = ''] = session.urls.values();
  return { urls: session.urls, url, ran, wrote, told, close };
}
