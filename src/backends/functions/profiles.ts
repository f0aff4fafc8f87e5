import type { CallProfile } from '../../wire/calls.ts';
import type { FunctionCall } from '../../wire/functions.ts';

const profiles = new Map<string, CallProfile>();

/** How a function is called over HTTP. Never repeated by the transport: what a function does may count. */
export function profileOf({ kind, timeoutMs, maxAnswerBytes }: FunctionCall): CallProfile {
  const name = `${kind} ${timeoutMs} ${maxAnswerBytes}`;
  const known = profiles.get(name);
  if (known !== undefined) return known;
  const profile: CallProfile = {
    kind: kind === 'authorize' ? 'open' : kind,
    method: 'POST',
    isIdempotent: false,
    timeoutMs,
    maxAnswerBytes,
    wantsBody: true,
  };
  profiles.set(name, profile); // as many as routes have limits
  return profile;
}
