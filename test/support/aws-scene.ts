import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import { startApp, type AppGateway } from './app.ts';
import { startBackend, type Answer, type Backend, type Call } from './backend.ts';
import { connect, type Client } from './client.ts';
import { routesFile, type RoutesFile } from './routes-file.ts';

/** An event of AWS as a function gets it. */
export type AwsEvent = {
  readonly headers?: Readonly<Record<string, string>>;
  readonly queryStringParameters?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly isBase64Encoded: boolean;
  readonly requestContext: Readonly<Record<string, unknown>> & {
    readonly routeKey: string;
    readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT';
    readonly connectionId: string;
    readonly domainName: string;
    readonly stage: string;
    readonly disconnectStatusCode?: number;
    readonly disconnectReason?: string;
  };
};

/** What a handler does; its return value is the answer of a webhook of form `envelope`, unless it answers itself. */
export type AwsHandler = (event: AwsEvent, call: Call) => Said | Promise<Said>;

/** `null` leaves the call hanging; a text is answered as it is. */
type Said = object | string | null;

export type AwsScene = {
  readonly gateway: AppGateway;
  readonly backend: Backend;
  readonly file: RoutesFile;
  readonly events: () => readonly AwsEvent[];
  /** The first event of this type of this connection, or of any. */
  readonly event: (type: AwsEvent['requestContext']['eventType'], connectionId?: string) => Promise<AwsEvent>;
  /** A client that is in, and its connection id. */
  readonly enter: (path?: string) => Promise<Client & { readonly id: string }>;
};

type Options = {
  /** Of the route, beside its functions. */
  readonly route?: object;
  /** Of each function of the API, by route key. */
  readonly routes?: Readonly<Record<string, object>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly handler?: AwsHandler;
};

const STATUS_200 = { statusCode: 200 };

/** A gateway with one API of dialect aws at /prod, whose functions are webhooks that record their events. */
export async function startAws(
  t: TestContext,
  { route = {}, routes = {}, env = {}, handler = () => STATUS_200 }: Options = {},
): Promise<AwsScene> {
  const backend = await startBackend(t, async (call) => {
    const answer = await handler(eventOf(call), call);
    return answer === null || isHttp(answer) ? answer : { body: typeof answer === 'string' ? answer : JSON.stringify(answer) };
  });
  const target = { type: 'webhook', url: backend.url, answer: 'envelope' };
  const functions = Object.fromEntries(
    Object.entries({ $connect: {}, $disconnect: {}, $default: {}, reply: { routeResponse: true }, ...routes }).map(([key, own]) => [
      key,
      { target, ...own },
    ]),
  );
  const file = await routesFile(t, stringify({ routes: [{ path: '/prod', dialect: 'aws', routes: functions, ...route }] }));
  const gateway = await startApp(t, { ROUTES_FILE: file.path, ...env });
  let entered = 0;
  return {
    gateway,
    backend,
    file,
    events: () => backend.calls.all.map(eventOf),
    event: async (type, connectionId) =>
      eventOf(
        await backend.calls.first((call) => {
          const { eventType, connectionId: id } = eventOf(call).requestContext;
          return eventType === type && (connectionId === undefined || id === connectionId);
        }),
      ),
    async enter(path = '/prod') {
      entered += 1;
      const name = `client-${entered}`;
      const client = await connect(t, `${gateway.wsUrl}${path}`, { headers: { 'X-Client': name } });
      const call = await backend.calls.first((one) => eventOf(one).headers?.['X-Client'] === name);
      return { ...client, id: eventOf(call).requestContext.connectionId };
    },
  };
}

export function eventOf({ text }: Pick<Call, 'text'>): AwsEvent {
  return JSON.parse(text) as AwsEvent;
}

/** An answer of the test backend, not the return value of a function. */
function isHttp(answer: object | string): answer is Exclude<Answer, null | string> {
  return typeof answer === 'object' && ('status' in answer || Buffer.isBuffer((answer as { body?: unknown }).body));
}
