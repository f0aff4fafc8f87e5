import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { Arrivals } from './arrivals.ts';

type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A span as it was told. */
export type ToldSpan = {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it has none. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  /** `SpanKind` of OTLP: 2 server, 3 client. */
  readonly kind: number;
  readonly durationMs: number;
  readonly attributes: Attributes;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 2: an error. */
  readonly status: number;
  readonly resource: Attributes;
};

export type OtlpReceiver = { readonly url: string; readonly spans: Arrivals<ToldSpan>; readonly requests: Arrivals<Buffer> };

/** An OTLP/HTTP receiver on a free port that keeps every span. `isHanging`: it takes the request and never answers. */
export async function startOtlpReceiver(t: Pick<TestContext, 'after'>, isHanging = false): Promise<OtlpReceiver> {
  const spans = new Arrivals<ToldSpan>();
  const requests = new Arrivals<Buffer>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      requests.add(body);
      if (isHanging) return;
      if (request.url !== '/v1/traces' || request.headers['content-type'] !== 'application/x-protobuf')
        return void response.writeHead(404).end();
      for (const span of spansIn(body)) spans.add(span);
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, requests };
}

/** Fields by their numbers (protobuf's wire format): varints and fixed numbers as numbers, the rest as bytes. */
type Fields = ReadonlyMap<number, readonly (number | Buffer)[]>;

function fieldsOf(bytes: Buffer): Fields {
  const fields = new Map<number, (number | Buffer)[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag & 7;
    let value: number | Buffer;
    if (wire === 0) value = varint();
    else if (wire === 1) value = Number(bytes.readBigUInt64LE((at += 8) - 8));
    else if (wire === 5) value = bytes.readUInt32LE((at += 4) - 4);
    else if (wire === 2) {
      const length = varint();
      value = bytes.subarray(at, (at += length));
    } else throw new Error(`wire type ${wire} is none of OTLP's`);
    fields.set(tag >>> 3, [...(fields.get(tag >>> 3) ?? []), value]);
  }
  return fields;
}

const many = (fields: Fields, field: number): Fields[] => (fields.get(field) ?? []).map((one) => fieldsOf(one as Buffer));
const text = (fields: Fields, field: number): string => String(fields.get(field)?.[0] ?? '');
const hex = (fields: Fields, field: number): string => (fields.get(field)?.[0] as Buffer | undefined)?.toString('hex') ?? '';
const number = (fields: Fields, field: number): number => (fields.get(field)?.[0] as number | undefined) ?? 0;

/** opentelemetry/proto/collector/trace/v1/trace_service.proto, as far as the tests look. */
function spansIn(body: Buffer): ToldSpan[] {
  return many(fieldsOf(body), 1).flatMap((ofResource) => {
    const resource = attributesIn(many(ofResource, 1).flatMap((one) => many(one, 1)));
    return many(ofResource, 2).flatMap((ofScope) => many(ofScope, 2).map((span) => spanOf(span, resource)));
  });
}

function spanOf(span: Fields, resource: Attributes): ToldSpan {
  return {
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    traceState: text(span, 3),
    parentSpanId: hex(span, 4),
    name: text(span, 5),
    kind: number(span, 6),
    durationMs: (number(span, 8) - number(span, 7)) / 1e6,
    attributes: attributesIn(many(span, 9)),
    links: many(span, 13).map((link) => ({ traceId: hex(link, 1), spanId: hex(link, 2) })),
    status: many(span, 15).reduce((_none, status) => number(status, 3), 0),
    resource,
  };
}

function attributesIn(pairs: readonly Fields[]): Attributes {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [value] = many(pair, 2);
      const isText = value?.has(1) ?? false;
      return [text(pair, 1), isText ? text(value as Fields, 1) : (value?.get(3)?.[0] ?? value?.get(2)?.[0] ?? '')];
    }),
  ) as Attributes;
}
