import type { FunctionResult } from '../../../wire/functions.ts';
import { judge } from './policy.ts';

/** What an authorizer function's answer comes to. */
export type Judged =
  | { readonly type: 'allowed'; readonly principalId: string | null; readonly context: Readonly<Record<string, string>> }
  /** 401: it knows no such client; 403: it does not let it in; 500 and 504: it said nothing of use. */
  | { readonly type: 'refused'; readonly status: 401 | 403 }
  | { readonly type: 'failed'; readonly status: 500 | 504; readonly reason: string; readonly because: string };

/** Of AWS, for what an authorizer returns. */
export const MAX_RESULT_BYTES = 8_192;
const UNAUTHORIZED = 'Unauthorized';
const UNKNOWN_CLIENT: Judged = { type: 'refused', status: 401 };
const FORBIDDEN: Judged = { type: 'refused', status: 403 };

/** Reads whatever came of the call; `methodArn`: what a policy must allow. */
export function judgeResult(result: FunctionResult, methodArn: string): Judged {
  switch (result.type) {
    case 'returned':
      return judgePayload(result.payload, methodArn);
    case 'answered': {
      const { status, body } = result.answer;
      if (status >= 200 && status < 300) return judgePayload(body, methodArn);
      if (status === 401) return UNKNOWN_CLIENT;
      return status >= 400 && status < 500 ? FORBIDDEN : badAnswer(`the authorizer answered ${status}`);
    }
    case 'threw':
      return result.message === UNAUTHORIZED ? UNKNOWN_CLIENT : badAnswer(`the authorizer threw ${result.errorType}`);
    case 'failure':
      return { type: 'failed', status: result.reason === 'timeout' ? 504 : 500, reason: result.reason, because: result.detail };
  }
}

function judgePayload(payload: Buffer, methodArn: string): Judged {
  if (payload.length > MAX_RESULT_BYTES) return badAnswer(`the authorizer returned more than ${MAX_RESULT_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(payload.toString()) as unknown;
  } catch {
    return badAnswer('the authorizer returned no JSON');
  }
  if (value === UNAUTHORIZED) return UNKNOWN_CLIENT;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return badAnswer('the authorizer returned no JSON object');
  return judgeObject(value as Readonly<Record<string, unknown>>, methodArn);
}

function judgeObject({ principalId, policyDocument, isAuthorized, context }: Readonly<Record<string, unknown>>, methodArn: string): Judged {
  const told = readContext(context);
  if (typeof told === 'string') return badAnswer(told);
  const hasPrincipal = typeof principalId === 'string' && principalId !== '';
  if (policyDocument === undefined && isAuthorized !== undefined) {
    if (typeof isAuthorized !== 'boolean') return badAnswer('isAuthorized is neither true nor false');
    return isAuthorized ? { type: 'allowed', principalId: hasPrincipal ? principalId : null, context: told } : FORBIDDEN;
  }
  const verdict = judge(policyDocument, methodArn);
  if (verdict.type === 'malformed') return badAnswer(verdict.because);
  return verdict.type === 'allow' && hasPrincipal ? { type: 'allowed', principalId, context: told } : FORBIDDEN;
}

/** Texts, numbers and truth values, all told as texts; a text instead says what is wrong. */
function readContext(context: unknown): Readonly<Record<string, string>> | string {
  if (context === undefined || context === null) return {};
  if (typeof context !== 'object' || Array.isArray(context)) return 'the context is no object';
  const entries = Object.entries(context as Readonly<Record<string, unknown>>);
  const odd = entries.find(([, value]) => typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean');
  if (odd !== undefined) return `context.${odd[0].slice(0, 40)} is neither text, number nor true or false`;
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

function badAnswer(because: string): Judged {
  return { type: 'failed', status: 500, reason: 'bad-answer', because };
}
