import { randomBytes } from 'node:crypto';
import {
  type Attributes,
  type Context,
  createTraceState,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api';
import type { IncomingHttpHeaders } from 'node:http';
import { OPENING_SPAN_END, readTraceparent, readTracestate } from '../wire/trace.ts';
import type { Arrived, CommandSpan, UpgradeSpan } from '../wire/tracing.ts';
import type { ChosenIds } from './chosen-ids.ts';

/** Spans for what is asked of the gateway: upgrades by clients, commands by backends. */
export class RequestSpans {
  readonly #tracer: Tracer;
  readonly #ids: ChosenIds;

  constructor(tracer: Tracer, ids: ChosenIds) {
    this.#tracer = tracer;
    this.#ids = ids;
  }

  upgrade(arrived: Arrived): UpgradeSpan {
    this.#ids.chooseSpanId(openingSpanId());
    const span = this.#begin(arrived, { 'network.protocol.name': 'websocket' }, []);
    const { traceId, spanId, traceFlags, traceState } = span.spanContext();
    return {
      traceparent: `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`,
      tracestate: traceState?.serialize() || null,
      ended(status, id) {
        if (id !== null) span.setAttribute('wsaas.connection.id', id);
        end(span, status);
      },
    };
  }

  command(arrived: Arrived, connection: { readonly id: string; readonly traceparent: string | null } | null): CommandSpan {
    const linked = readTraceparent(connection?.traceparent);
    const links = linked === null ? [] : [{ context: contextOf(linked) }];
    const span = this.#begin(arrived, connection === null ? {} : { 'wsaas.connection.id': connection.id }, links);
    return { ended: (status) => end(span, status) };
  }

  #begin({ method, path, route, scheme, headers, remoteAddress }: Arrived, more: Attributes, links: Link[]): Span {
    const { host } = headers;
    return this.#tracer.startSpan(
      `${method} ${route}`,
      {
        kind: SpanKind.SERVER,
        links,
        attributes: {
          'http.request.method': method,
          'http.route': route,
          'url.path': path,
          'url.scheme': scheme,
          'client.address': remoteAddress,
          ...(host !== undefined && { 'server.address': host }),
          ...(headers['user-agent'] !== undefined && { 'user_agent.original': headers['user-agent'] }),
          ...more,
        },
      },
      parentIn(headers),
    );
  }
}

/** Never all zeros in its first half, which the connection's other spans share. */
function openingSpanId(): string {
  const start = randomBytes(4).toString('hex');
  return (start === '00000000' ? '00000001' : start) + OPENING_SPAN_END;
}

function parentIn(headers: IncomingHttpHeaders): Context {
  const parent = readTraceparent(headers['traceparent']);
  if (parent === null) return ROOT_CONTEXT;
  const tracestate = readTracestate(headers['tracestate']);
  return trace.setSpanContext(ROOT_CONTEXT, {
    ...contextOf(parent),
    ...(tracestate !== null && { traceState: createTraceState(tracestate) }),
  });
}

function contextOf({ traceId, spanId, flags }: { readonly traceId: string; readonly spanId: string; readonly flags: number }): SpanContext {
  return { traceId, spanId, traceFlags: flags & TraceFlags.SAMPLED, isRemote: true };
}

/** Of a server, only 5xx are its own faults (OpenTelemetry's semantic conventions for HTTP). */
function end(span: Span, status: number): void {
  span.setAttribute('http.response.status_code', status);
  if (status >= 500) {
    span.setAttribute('error.type', String(status));
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
