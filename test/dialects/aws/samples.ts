import { aws } from '../../../src/dialects/aws/index.ts';
import { createApi, type AwsApi } from '../../../src/dialects/aws/api.ts';
import { AwsCodec } from '../../../src/dialects/aws/codec.ts';
import { writeFacts } from '../../../src/dialects/aws/connection-facts.ts';
import type { AwsRouteSpec } from '../../../src/dialects/aws/schemas.ts';
import type { DialectContext } from '../../../src/dialects/definition.ts';
import type { CloseEvent, MessageEvent, OpenEvent, OpenRequest } from '../../../src/core/events.ts';
import { sampleConnection, sampleContext, sampleRequest } from '../../contracts/samples.ts';

export const CONNECTION_ID = 'Zz9yXw7vUt5sRqQ=';
export const NOW = Date.UTC(2026, 1, 9, 18, 11, 43, 420);
const CONNECTED_AT = NOW - 1;

const TO_WEBHOOK = { target: { type: 'webhook', url: 'https://api.example.com/ws' } } as const;

/** One API of four routes, as a routes file would have it. */
export function sampleApi(spec: AwsRouteSpec = {}, context: Partial<DialectContext> = {}): AwsApi {
  const values: AwsRouteSpec = {
    stage: 'prod',
    apiId: 'chat000001',
    domainName: 'gw.example.com',
    routes: { $connect: TO_WEBHOOK, $disconnect: TO_WEBHOOK, $default: TO_WEBHOOK, sendmessage: { ...TO_WEBHOOK, routeResponse: true } },
    ...spec,
  };
  return createApi(sampleContext({ routePath: '/prod', backend: null, ...context, values }), () => NOW);
}

export function sampleAwsCodec(spec: AwsRouteSpec = {}, context: Partial<DialectContext> = {}): AwsCodec {
  return new AwsCodec(sampleApi(spec, context), (id) => `gateway.test/${encodeURIComponent(id)}`);
}

const FACTS = { connectedAt: CONNECTED_AT, sourceIp: '192.0.2.7', userAgent: 'x/1', authorizer: null };

export function awsRequest(own: Partial<OpenRequest> = {}): OpenRequest {
  return sampleRequest({
    path: '/prod',
    remoteAddress: '192.0.2.7',
    isEncrypted: true,
    rawHeaders: [
      ['Host', 'gw.example.com'],
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Origin', 'https://app.example.com'],
      ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ['Sec-WebSocket-Version', '13'],
    ].flat(),
    query: { room: ['a', 'b'] },
    data: writeFacts(FACTS),
    ...own,
  });
}

export function opened(own: Partial<OpenRequest> = {}): OpenEvent {
  const request = awsRequest(own);
  return { type: 'open', party: sampleConnection({ ...request, id: CONNECTION_ID }).party, request };
}

export function sent(data: string | Buffer, own: Partial<MessageEvent> = {}): MessageEvent {
  return { type: 'message', party: opened().party, seq: 1, data: Buffer.from(data), isBinary: false, ...own };
}

export function ended(own: Partial<CloseEvent> = {}): CloseEvent {
  return { type: 'close', party: opened().party, seq: 2, code: 1005, reason: '', isOrphan: false, ...own };
}

/** The event JSON of a step, which must be a call. */
export function payloadOf(step: ReturnType<AwsCodec['encodeOpen'] | AwsCodec['encodeMessage'] | AwsCodec['encodeClose']>): string {
  if (step.type !== 'call') throw new Error('nothing is called');
  return step.call.payload;
}

export { aws };
