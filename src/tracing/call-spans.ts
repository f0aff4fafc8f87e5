import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace, TraceFlags, type Tracer } from '@opentelemetry/api';
import type { Receiver } from '../core/ports.ts';
import type { BackendCall, BackendResult, Transport } from '../wire/calls.ts';
import { openingSpanOf, readTraceparent } from '../wire/trace.ts';
import type { ChosenIds } from './chosen-ids.ts';

/** Events whose first call failed: another call of the same event is a span of its own. Beyond it the oldest are forgotten. */
const MOST_REPEATED = 10_000;

/** A span for each call to a backend, with the id that the backend is told as its parent. */
export class CallSpans {
  readonly #tracer: Tracer;
  readonly #ids: ChosenIds;
  /** Calls so far, by the span that the event's first call has. */
  readonly #repeated = new Map<string, number>();

  constructor(tracer: Tracer, ids: ChosenIds) {
    this.#tracer = tracer;
    this.#ids = ids;
  }

  around(inner: Transport, origin: string): Transport {
    const { hostname, port, protocol } = new URL(origin);
    const server = { 'server.address': hostname, 'server.port': Number(port) || (protocol === 'https:' ? 443 : 80) };
    return {
      call: (call, receiver, waitUntil) => {
        const span = this.#begin(call, origin, server);
        inner.call(call, span === null ? receiver : new Traced(receiver, span, this.#over(call)), waitUntil);
      },
      close: () => inner.close(),
    };
  }

  #begin({ profile, path, headers, body }: BackendCall, origin: string, server: Record<string, string | number>): Span | null {
    const told = readTraceparent(headerOf(headers, 'traceparent'));
    if (told === null || (told.flags & TraceFlags.SAMPLED) === 0) return null;
    const { traceId, spanId } = told;
    const resends = this.#repeated.get(spanId) ?? 0;
    if (resends === 0) this.#ids.chooseSpanId(spanId);
    const parent = { traceId, spanId: resends === 0 ? openingSpanOf(spanId) : spanId, traceFlags: TraceFlags.SAMPLED };
    return this.#tracer.startSpan(
      `${profile.method} ${profile.kind}`,
      {
        kind: SpanKind.CLIENT,
        attributes: {
          ...server,
          'http.request.method': profile.method,
          'url.full': origin + withoutQuery(path),
          ...(body !== null && { 'http.request.body.size': Buffer.byteLength(body) }),
          ...(resends > 0 && { 'http.request.resend_count': resends }),
          'wsaas.event.type': profile.kind,
          'wsaas.event.id': headerOf(headers, 'ws-event-id') ?? '',
          'wsaas.connection.id': headerOf(headers, 'ws-connection') ?? '',
        },
      },
      trace.setSpanContext(ROOT_CONTEXT, parent),
    );
  }

  /** What failed is sent again, perhaps. */
  #over({ headers }: BackendCall): (isFailed: boolean) => void {
    const spanId = readTraceparent(headerOf(headers, 'traceparent'))?.spanId ?? '';
    return (isFailed) => {
      if (!isFailed) return void (this.#repeated.size > 0 && this.#repeated.delete(spanId));
      const [oldest] = this.#repeated.size < MOST_REPEATED ? [] : this.#repeated.keys();
      if (oldest !== undefined) this.#repeated.delete(oldest);
      this.#repeated.set(spanId, (this.#repeated.get(spanId) ?? 0) + 1);
    };
  }
}

class Traced implements Receiver<BackendResult> {
  readonly #receiver: Receiver<BackendResult>;
  readonly #span: Span;
  readonly #over: (isFailed: boolean) => void;

  constructor(receiver: Receiver<BackendResult>, span: Span, over: (isFailed: boolean) => void) {
    this.#receiver = receiver;
    this.#span = span;
    this.#over = over;
  }

  settled(result: BackendResult): void {
    const span = this.#span;
    if (result.type === 'answer') {
      span.setAttribute('http.response.status_code', result.status);
      if (result.status >= 400) fail(span, String(result.status));
    } else {
      fail(span, result.reason, result.detail);
    }
    this.#over(result.type === 'failure' || result.status >= 500);
    span.end();
    this.#receiver.settled(result);
  }
}

function fail(span: Span, type: string, message?: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
}

/** A query may hold a key. */
function withoutQuery(path: string): string {
  const end = path.indexOf('?');
  return end < 0 ? path : path.slice(0, end);
}

function headerOf(headers: readonly string[], name: string): string | undefined {
  for (let index = 0; index < headers.length; index += 2) if (headers[index] === name) return headers[index + 1];
  return undefined;
}
