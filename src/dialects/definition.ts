import type { IncomingMessage } from 'node:http';
import type { GatewayError } from '../wire/errors.ts';
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
  /** Path and query of the backend's URL; `/` where it has none of HTTP. */
  readonly backendPath: string;
  readonly limits: Limits;
  /** Accepted ones, in the order of preference; empty: whatever the dialect thinks right. */
  readonly subprotocols: readonly string[];
  /** The dialect's options, by the names that they have in a route: the route's, else the global ones. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The client path of the route. */
  readonly routePath: string;
  /** URL of the backend; null: the route has none, which some dialects allow, or none of HTTP. */
  readonly backend: URL | null;
  /** The backend as the route names it, where the dialect has URLs of its own (`ownBackend`). */
  readonly ownBackend?: string;
  /** Do the listeners speak TLS? */
  readonly isEncrypted: boolean;
  /** Of the routes file: what relative paths in it begin at. */
  readonly directory: string;
};

/** A dialect on one route. */
export type DialectOnRoute = {
  readonly speech: Speech;
  /** What is settled before the backend is asked. */
  readonly enter: (request: EntryRequest) => Entry | Refusal;
  /** The URL of another backend that decides who gets in, in the default dialect; none: the route's own does. */
  readonly gatekeeper?: string;
  /** What its events are known by in logs and bounds; default: the backend's origin. */
  readonly backendName?: string;
  /** Default: those of the context. */
  readonly limits?: Limits;
  /** The form of the ids that the gateway gives; default: long. */
  readonly idForm?: 'long' | 'short';
  /** Early pushes, while `open` is being answered: kept (default), or answered as if nobody were there. */
  readonly earlyPushes?: 'kept' | 'refused';
  /** What the dialect's commands must know of this route. */
  readonly control?: object;
  /** Default: true. A binary message ends a client of a route that takes none with 1003. */
  readonly takesBinary?: boolean;
};

export type ControlOptions = {
  readonly dispatch: Dispatch;
  readonly wsUri: (id: string, controlPath: string) => string;
  /** Methods that another dialect serves on `/:id`. */
  readonly othersOnId: readonly Method[];
  /** What the routes of this dialect say to its commands, by their names. May change with time, as routes are read again. */
  readonly controls: () => ReadonlyMap<string, object>;
  /** What keeps a caller without credentials of this dialect from its commands, or null (docs/contract.md#who-may-call). */
  readonly controlProblem: (request: IncomingMessage) => GatewayError | null;
  /** A dialect that judges callers itself says so when it lets one in: its socket is counted with the strangers' no longer. */
  readonly letIn: (request: IncomingMessage) => void;
};

/** What is wrong with a route, at which of its properties: the path to it, from the route on. */
export type RouteProblem = { readonly at: readonly (string | number)[]; readonly wanted: string };

/** A route whose properties are each as their schemas want them. */
export type CheckedRoute = {
  readonly path: string;
  readonly subprotocols?: readonly string[] | undefined;
  readonly backend?: string | undefined;
};

/** A dialect is one such value, and one line in `dialects/index.ts`. */
export type DialectDefinition = {
  readonly name: string;
  /** Do clients choose their ids? Then each of its routes but one has a control path of its own. */
  readonly hasClientIds: boolean;
  /** Its messages are nothing but messages: code in the gateway's process may serve its clients, too. */
  readonly isOpaque?: true;
  /** Are the ids that the gateway gives on its routes too short to be secrets? Default: false. */
  readonly hasShortIds?: boolean;
  /** Do its commands carry credentials that the dialect itself judges, by `controlProblem` where there are none? Default: false. */
  readonly hasOwnCredentials?: boolean;
  /** Environment variables of its own. A route overrides `OCPP_QUEUE` by `ocppQueue`. */
  readonly options: Readonly<Record<string, TSchema>>;
  /** Properties of a route that no environment variable stands behind; their schemas have the defaults. */
  readonly routeOptions: Readonly<Record<string, TSchema>>;
  readonly create: (context: DialectContext) => DialectOnRoute;
  /** Must each of its routes have a `backend`? Default: true. */
  readonly needsBackend?: boolean;
  /** Where its backend is reached by other URLs than those of HTTP. */
  readonly ownBackend?: {
    /** One such URL. */
    readonly example: string;
    /** What is wrong with one, or null. */
    readonly problemOf: (backend: string) => string | null;
  };
  /** Is a plain request for the path of one of its routes told to upgrade (426), though it could be a command for an id? Default: false. */
  readonly isUpgradeOnly?: boolean;
  /** The answer to a client whose path no route has, where all routes are of this dialect. Default: 404. */
  readonly unknownPath?: Refusal;
  /** The route as the file has it, as far as nothing is wrong with it yet. */
  readonly checkRoute: (route: CheckedRoute) => readonly RouteProblem[];
  /**
   * Its commands on the control API, with or without a control path before them: whom a command is for is what
   * `addressIn` makes of its parameters. Needs a parser that leaves bodies as Buffers.
   */
  readonly routes: (server: FastifyInstance, options: ControlOptions) => Promise<void>;
  /** Other spellings of its commands' targets, in the one that its routes have. Comes before the router; must be fast. */
  readonly rewrite?: (target: string) => string;
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
  return [{ at: ['path'], wanted: `must end with a parameter such as /:id, which clients of dialect ${name} choose` }];
}
