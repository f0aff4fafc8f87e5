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
  /** The route's path, as the file has it. */
  readonly route: string;
  /** The backend as the route names it. */
  readonly backend: string;
  /** Path and query of the backend's URL; empty where it is no URL of HTTP. */
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
  /** The URL of another backend that decides who gets in, in the default dialect; none: the route's own does. */
  readonly gatekeeper?: string;
};

export type ControlOptions = {
  readonly dispatch: Dispatch;
  readonly wsUri: (id: string, controlPath: string) => string;
  /** Methods that another dialect serves on `/:id`. */
  readonly othersOnId: readonly Method[];
};

/** What is wrong with a route, at which of its properties. */
export type RouteProblem = { readonly at: string; readonly wanted: string };

/** A route whose properties are each as their schemas want them. */
export type CheckedRoute = { readonly path: string; readonly subprotocols?: readonly string[]; readonly backend?: string };

/** A dialect is one such value, and one line in `dialects/index.ts`. */
export type DialectDefinition = {
  readonly name: string;
  /** Do clients choose their ids? Then each of its routes but one has a control path of its own. */
  readonly hasClientIds: boolean;
  /** Environment variables of its own. A route overrides `OCPP_QUEUE` by `ocppQueue`. */
  readonly options: Readonly<Record<string, TSchema>>;
  /** Properties of a route that no environment variable stands behind; their schemas have the defaults. */
  readonly routeOptions: Readonly<Record<string, TSchema>>;
  readonly create: (context: DialectContext) => DialectOnRoute;
  /** Where its backend is reached by other URLs than those of HTTP. */
  readonly ownBackend?: {
    /** One such URL. */
    readonly example: string;
    /** What is wrong with one, or null. */
    readonly problemOf: (backend: string) => string | null;
  };
  /** The route as the file has it, as far as nothing is wrong with it yet. */
  readonly checkRoute: (route: CheckedRoute) => readonly RouteProblem[];
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
