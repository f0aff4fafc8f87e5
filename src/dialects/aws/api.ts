import { createHash } from 'node:crypto';
import type { Limits } from '../../core/limits.ts';
import type { TargetSpec, WrittenTarget } from '../../wire/targets.ts';
import { readUri } from '../../wire/ws-uris.ts';
import type { DialectContext } from '../definition.ts';
import type { EventSource } from './events.ts';
import {
  AUTHORIZER_TIMEOUT_MS,
  INTEGRATION_TIMEOUT_MS,
  type AuthorizerSpec,
  type AwsRoute,
  type AwsRouteSpec,
  RESERVED_ROUTES,
  type Sigv4Spec,
  type ThrottleSpec,
} from './schemas.ts';
import { readSelection, type Selection } from './selection.ts';
import { readTarget } from './targets.ts';

/** One function of an API: what runs for the events of one route. */
export type AwsFunction = {
  readonly routeKey: string;
  /** The same, for headers. */
  readonly encodedKey: string;
  readonly target: TargetSpec;
  /** Does the body that it returns go back to the client? */
  readonly isTwoWay: boolean;
  readonly timeoutMs: number;
  readonly throttle: ThrottleSpec | null;
};

/** A route of the dialect, with every default in its place: one stage of one WebSocket API. */
export type AwsApi = EventSource & {
  readonly functions: ReadonlyMap<string, AwsFunction>;
  /** Null: there are no routes but the reserved ones, so that no message has to be looked into. */
  readonly select: Selection | null;
  readonly authorizer: AuthorizerSpec | null;
  /** What runs the authorizer; null: a token, or nobody. */
  readonly authorizerTarget: TargetSpec | null;
  readonly authorizerTimeoutMs: number;
  readonly sigv4: Sigv4Spec;
  readonly isStrict: boolean;
  readonly isConcurrent: boolean;
  /** Infinity: never. */
  readonly errorFrameFromStatus: number;
  readonly repeatsThrown: boolean;
  readonly limits: Limits;
};

/** The limits that AWS holds everybody to. */
const STRICT_LIMITS = { maxMessageBytes: 131_072, idleTimeoutMs: 0, maxIdleMs: 600_000, maxAgeMs: 7_200_000 };

function strictLimits(limits: Limits): Limits {
  const { maximum } = INTEGRATION_TIMEOUT_MS;
  return {
    ...limits,
    ...STRICT_LIMITS,
    openTimeoutMs: Math.min(limits.openTimeoutMs, maximum),
    backendTimeoutMs: Math.min(limits.backendTimeoutMs, maximum),
  };
}

export function createApi(context: DialectContext, now: () => number): AwsApi {
  const spec = context.values as AwsRouteSpec;
  const stage = spec.stage ?? stageOf(context.routePath);
  const variables = spec.stageVariables ?? {};
  const isStrict = spec.strict === true;
  const given = isStrict ? strictLimits(context.limits) : context.limits;
  const target = (written: WrittenTarget): TargetSpec => {
    const read = readTarget(written, variables, context.directory);
    return read.type === 'webhook' ? { ...read, headers: [...context.backendHeaders, ...read.headers] } : read;
  };
  const standard = spec.target ?? (context.backend === null ? null : ({ type: 'webhook', url: context.backend.href } as const));
  const functions = functionsOf(spec, standard === null ? null : target(standard), { target, limits: given });
  const authorizer = spec.authorizer ?? null;
  const authorizerTimeoutMs = authorizer === null ? 0 : (authorizer.timeoutMs ?? AUTHORIZER_TIMEOUT_MS);
  const host = hostOf(context.wsUri);
  const scheme = context.isEncrypted ? 'https' : 'http';
  return {
    stage,
    apiId: spec.apiId ?? apiIdOf(context.routePath),
    domainName: () => spec.domainName ?? host(),
    callbackUrl: () =>
      spec.callbackUrl ?? (spec.domainName === undefined ? `${scheme}://${host()}/${stage}` : `https://${spec.domainName}/${stage}`),
    stageVariables: Object.keys(variables).length === 0 ? null : variables,
    now,
    functions,
    select: [...functions.keys()].some((key) => !key.startsWith('$')) ? selectionOf(spec.routeSelectionExpression) : null,
    authorizer,
    authorizerTarget: authorizer?.target === undefined ? null : target(authorizer.target),
    authorizerTimeoutMs,
    sigv4: spec.sigv4 ?? { mode: 'off' },
    isStrict,
    isConcurrent: spec.concurrent ?? isStrict,
    errorFrameFromStatus: spec.errorFrameFromStatus ?? Infinity,
    repeatsThrown: spec.repeatThrown === true,
    limits: {
      ...given,
      openTimeoutMs: authorizerTimeoutMs + (functions.get('$connect')?.timeoutMs ?? 0) || given.openTimeoutMs,
      backendRetryForMs: Math.min(given.backendRetryForMs, given.backendTimeoutMs), // then the client is told, and decides itself
    },
  };
}

type Reading = { readonly target: (written: WrittenTarget) => TargetSpec; readonly limits: Limits };

function functionsOf(spec: AwsRouteSpec, standard: TargetSpec | null, { target, limits }: Reading): Map<string, AwsFunction> {
  const routes: Readonly<Record<string, AwsRoute>> = spec.routes ?? Object.fromEntries(RESERVED_ROUTES.map((key) => [key, {}]));
  const functions = new Map<string, AwsFunction>();
  for (const [routeKey, route] of Object.entries(routes)) {
    const own = route.target === undefined ? standard : target(route.target);
    if (own === null) continue; // checks.ts has said so
    functions.set(routeKey, {
      routeKey,
      encodedKey: encodeURIComponent(routeKey.toWellFormed()),
      target: own,
      isTwoWay: route.routeResponse === true,
      timeoutMs: route.timeoutMs ?? (routeKey === '$connect' ? limits.openTimeoutMs : limits.backendTimeoutMs),
      throttle: route.throttle ?? spec.throttle ?? null,
    });
  }
  return functions;
}

function selectionOf(expression = '$request.body.action'): Selection {
  const read = readSelection(expression);
  if ('problem' in read) throw new TypeError(`routeSelectionExpression ${read.problem}`); // checks.ts has checked it
  return read;
}

/** The last part of the path that is no parameter. */
function stageOf(path: string): string {
  const last = path.split('/').findLast((part) => /^[A-Za-z0-9_-]{1,128}$/.test(part));
  return last ?? '$default';
}

const API_ID_LENGTH = 10;

/** The same on every node that serves the path. */
function apiIdOf(path: string): string {
  const digest = createHash('sha256').update(path).digest();
  return digest.readBigUInt64BE(0).toString(36).padStart(API_ID_LENGTH, '0').slice(-API_ID_LENGTH);
}

/** The host at which commands are served: never what a client calls us by, for handlers send to it. */
function hostOf(wsUri: DialectContext['wsUri']): () => string {
  let latest = { uri: '', host: '' };
  return () => {
    const uri = wsUri('x');
    if (uri !== latest.uri) latest = { uri, host: readUri(uri)?.host ?? '' };
    return latest.host;
  };
}
