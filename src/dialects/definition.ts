import type { Method } from '../wire/control-paths.ts';
import type { FastifyInstance } from 'fastify';
import type { TSchema } from 'typebox';
import type { Dispatch } from '../core/commands.ts';
import type { Refusal } from '../core/events.ts';
import type { Limits } from '../core/limits.ts';
import type { Speech } from '../wire/codec.ts';
import type { Entry, EntryRequest } from '../wire/entry.ts';
import type { EventHeaderOptions } from '../wire/event-headers.ts';

/** What a dialect on one route is made of. */
export type DialectContext = EventHeaderOptions & {
  /** Path and query of the backend's URL. */
  readonly backendPath: string;
  readonly limits: Limits;
  /** Accepted ones, in the order of preference; empty: whatever the dialect thinks right. */
  readonly subprotocols: readonly string[];
  /** The dialect's options, by the names that they have in a route: the route's, else the global ones. */
  readonly values: Readonly<Record<string, unknown>>;
};

/** A dialect on one route. */
export type DialectOnRoute = {
  readonly speech: Speech;
  /** What is settled before the backend is asked. */
  readonly enter: (request: EntryRequest) => Entry | Refusal;
};

export type ControlOptions = {
  readonly dispatch: Dispatch;
  readonly wsUri: (id: string, controlPath: string) => string;
  /** Methods that another dialect serves on `/:id`. */
  readonly othersOnId: readonly Method[];
};

/** What is wrong with a route, at which of its properties. */
export type RouteProblem = { readonly at: string; readonly wanted: string };

/** A dialect is one such value, and one line in `dialects/index.ts`. */
export type DialectDefinition = {
  readonly name: string;
  /** Do clients choose their ids? Then each of its routes but one has a control path of its own. */
  readonly hasClientIds: boolean;
  /** Its messages are nothing but messages: code in the gateway's process may serve its clients, too. */
  readonly isOpaque?: true;
  /** Environment variables of its own. A route overrides `OCPP_QUEUE` by `ocppQueue`. */
  readonly options: Readonly<Record<string, TSchema>>;
  /** Properties of a route that no environment variable stands behind; their schemas have the defaults. */
  readonly routeOptions: Readonly<Record<string, TSchema>>;
  readonly create: (context: DialectContext) => DialectOnRoute;
  readonly checkRoute: (route: { readonly path: string; readonly subprotocols?: readonly string[] }) => readonly RouteProblem[];
  /**
   * Its commands on the control API, with or without a control path before them: whom a command is for is what
   * `addressIn` makes of its parameters. Needs a parser that leaves bodies as Buffers.
   */
  readonly routes: (server: FastifyInstance, options: ControlOptions) => Promise<void>;
  /** Its methods on `/:id` of the control API. */
  readonly onId: readonly Method[];
  /** First path segments of its commands: no client may choose one as its id. */
  readonly reservedSegments: readonly string[];
  /** What it asks of a backend, as OpenAPI path items by their names. */
  readonly webhooks: Readonly<Record<string, object>>;
};

export type Dialects = Readonly<Record<string, DialectDefinition>>;

/** Where clients choose their ids, the path must end with a parameter, which is the id. */
export function idProblems(name: string, path: string): RouteProblem[] {
  if (/:[^/]+$/.test(path)) return [];
  return [{ at: 'path', wanted: `must end with a parameter such as /:id, which clients of dialect ${name} choose` }];
}
