import type { RpcError } from '../../core/rpc.ts';

/** OCPP-J message type numbers; 5 and 6 since 2.1. */
export const CALL = 2;
export const CALLRESULT = 3;
export const CALLERROR = 4;
export const CALLRESULTERROR = 5;
export const SEND = 6;

/** What a client's frame turned out to be. Payloads are JSON text, byte for byte as they came. */
export type ClientFrame =
  | { readonly type: 'call'; readonly id: string; readonly action: string; readonly payloadJson: string }
  | { readonly type: 'result'; readonly id: string; readonly payloadJson: string }
  | { readonly type: 'error'; readonly id: string; readonly error: RpcError }
  | { readonly type: 'result-error'; readonly id: string; readonly error: RpcError }
  | { readonly type: 'send'; readonly id: string; readonly action: string; readonly payloadJson: string }
  /** A CALLRESULT that cannot be read but for its id. */
  | { readonly type: 'broken-result'; readonly id: string; readonly error: RpcError }
  /** Not to be understood. `answerTo` is the id of the CALLERROR that answers it; null: the version wants it dropped. */
  | { readonly type: 'malformed'; readonly answerTo: string | null; readonly error: RpcError }
  | { readonly type: 'ignored' };

export function callFrame(id: string, action: string, payloadJson: string): string {
  return `[${CALL},${JSON.stringify(id)},${JSON.stringify(action)},${payloadJson}]`;
}

export function resultFrame(id: string, payloadJson: string): string {
  return `[${CALLRESULT},${JSON.stringify(id)},${payloadJson}]`;
}

export function errorFrame(id: string, error: RpcError): string {
  return withError(CALLERROR, id, error);
}

export function resultErrorFrame(id: string, error: RpcError): string {
  return withError(CALLRESULTERROR, id, error);
}

export function sendFrame(id: string, action: string, payloadJson: string): string {
  return `[${SEND},${JSON.stringify(id)},${JSON.stringify(action)},${payloadJson}]`;
}

function withError(type: number, id: string, { code, description, detailsJson }: RpcError): string {
  return `[${type},${JSON.stringify(id)},${JSON.stringify(code)},${JSON.stringify(description)},${detailsJson}]`;
}
