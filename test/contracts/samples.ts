import { createMemoryBus } from '../../src/engines/local/bus.ts';
import type { BackendCall, CallProfile, Transport } from '../../src/wire/calls.ts';
import { Connection } from '../../src/core/connection.ts';
import type { OpenRequest } from '../../src/core/events.ts';
import { Gateway, type GatewayOptions } from '../../src/core/gateway.ts';
import { ownerToken } from '../../src/core/ids.ts';
import type { Limits } from '../../src/core/limits.ts';
import { Meter } from '../../src/core/meter.ts';
import { createInboxes } from '../../src/core/inbox.ts';
import type { Clock, Log, Socket } from '../../src/core/ports.ts';
import type { Route } from '../../src/core/route.ts';
import { systemClock } from '../../src/core/system-clock.ts';
import { HttpBackend } from '../../src/backends/http/backend.ts';
import type { DialectContext } from '../../src/dialects/definition.ts';
import type { Codec } from '../../src/wire/codec.ts';
import type { EntryRequest } from '../../src/wire/entry.ts';
import { WsaasCodec } from '../../src/dialects/wsaas/codec.ts';
import { createNoLedger } from '../../src/engines/local/no-ledger.ts';

/** Ordinary values of core's types, in one place; a test names only what it is about. */
export function sampleLimits(own: Partial<Limits> = {}): Limits {
  return {
    idleTimeoutMs: 30_000,
    maxMessageBytes: 1_000,
    messagesPerSecond: 0,
    bytesPerSecond: 0,
    inboxMessages: 64,
    inboxBytes: 262_144,
    sendBufferBytes: 1_048_576,
    slowClientTimeoutMs: 10_000,
    openTimeoutMs: 10_000,
    backendTimeoutMs: 29_000,
    backendRetryForMs: 60_000,
    closeRetryForMs: 86_400_000,
    idempotencyKeys: 100,
    maxIdleMs: 0,
    maxAgeMs: 0,
    ...own,
  };
}

export function sampleRequest(own: Partial<OpenRequest> = {}): OpenRequest {
  return {
    path: '/chat',
    query: {},
    parameters: {},
    headers: {},
    subprotocols: [],
    remoteAddress: '192.0.2.1',
    authorization: null,
    traceparent: null,
    forwarded: [],
    rawHeaders: [],
    isEncrypted: false,
    data: null,
    clientId: null,
    subprotocol: null,
    tags: [],
    ...own,
  };
}

export function sampleEntry(own: Partial<EntryRequest> = {}): EntryRequest {
  return { parameters: {}, subprotocols: [], authorization: null, remoteAddress: '192.0.2.1', userAgent: null, date: 0, ...own };
}

/** What a dialect on a route is made of. */
export function sampleContext(own: Partial<DialectContext> = {}): DialectContext {
  return {
    wsUri: (id) => `gateway.test/${encodeURIComponent(id)}`,
    backendHeaders: [],
    backendPath: '/ws',
    backend: new URL('http://backend.test/ws'),
    routePath: '/chat',
    isEncrypted: false,
    directory: '/',
    limits: sampleLimits(),
    subprotocols: [],
    values: {},
    ...own,
  };
}

export const SILENT_LOG: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {}, isDebugging: false };

/** Takes every call and answers none. */
export const SILENT_TRANSPORT: Transport = { call: () => {}, close: () => Promise.resolve() };

export function sampleCodec(limits = sampleLimits(), reply = false): WsaasCodec {
  return new WsaasCodec({ backendPath: '/ws', wsUri: (id) => `gateway.test/${id}`, backendHeaders: [], limits, reply });
}

export type SampleRouteOptions = Partial<Route> & { readonly codec?: Codec; readonly transport?: Transport; readonly clock?: Clock };

/** Over HTTP by this transport, which answers nothing unless the test brings another. */
export function sampleRoute({ codec, transport = SILENT_TRANSPORT, clock = systemClock, ...own }: SampleRouteOptions = {}): Route {
  const limits = own.limits ?? sampleLimits();
  const backend = new HttpBackend({ codec: codec ?? sampleCodec(limits), transport, clock, log: SILENT_LOG });
  return {
    name: 'default',
    backend,
    backendName: 'http://backend.test',
    intake: createInboxes({ backend, limits }),
    limits,
    namespace: '',
    duplicateId: 'newest',
    idForm: 'long',
    earlyPushes: 'kept',
    takesBinary: true,
    ...own,
  };
}

export function sampleGateway(own: Partial<GatewayOptions> = {}): Gateway {
  return new Gateway({
    clock: systemClock,
    log: SILENT_LOG,
    observer: new Meter(),
    observe: () => ({ sightings: [], missed: 0, figures: null, problem: null }),
    ledger: createNoLedger(),
    bus: createMemoryBus(),
    node: 'sample',
    owner: ownerToken(),
    limits: { maxConnections: Infinity, maxConnectionsPerIp: Infinity },
    openConcurrency: 8,
    openQueue: 8,
    openQueueTimeoutMs: 1_000,
    closeConcurrency: 8,
    closeBacklog: 1_000,
    metrics: () => Promise.resolve([]),
    routeOf: () => undefined,
    ...own,
  });
}

const nothing = (): void => {};

/** An open socket that takes everything and tells nobody. */
export function sampleSocket(own: Partial<Socket> = {}): Socket {
  return {
    send: nothing,
    close: nothing,
    terminate: nothing,
    pause: nothing,
    resume: nothing,
    ping: nothing,
    isOpen: true,
    bufferedBytes: 0,
    receivedBytes: 0,
    ...own,
  };
}

/** A connection that no gateway's table holds. */
export function sampleConnection(own: Partial<OpenRequest> & SampleIdentity = {}): Connection {
  const { id = SAMPLE_ID, key = id, route = sampleRoute(), ...request } = own;
  return new Connection(sampleGateway(), route, { id, key, request: sampleRequest(request) });
}

/** Of our own making, as by core/ids.ts. */
export const SAMPLE_ID = 'abcdefABCDEF0123456789-_wxyzWX';

type SampleIdentity = {
  readonly id?: string;
  /** Differs from the id where clients choose theirs. */
  readonly key?: string;
  readonly route?: Route;
};

export const SAMPLE_PROFILE: CallProfile = {
  kind: 'message',
  method: 'PUT',
  isIdempotent: true,
  timeoutMs: 5_000,
  maxAnswerBytes: 1_000,
  wantsBody: true,
};

export function sampleCall({ path = '/ws', headers = [], body = null, ...profile }: Partial<BackendCall & CallProfile> = {}): BackendCall {
  return { profile: { ...SAMPLE_PROFILE, ...profile }, path, headers, body };
}
