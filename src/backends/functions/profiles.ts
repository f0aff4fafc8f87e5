import type { CallProfile } from '../../wire/calls.ts';
import type { FunctionCall } from '../../wire/functions.ts';

/** Of AWS Lambda, for what a function returns to a caller that waits. */
const MAX_ANSWER_BYTES = 6_291_556;
/** Around an answer, of an error's stack for example. */
const ALLOWANCE_BYTES = 65_536;

const profiles = new Map<string, CallProfile>();

/** How a function is called over HTTP. Never repeated by the transport: what a function does may count. */
export function profileOf({ kind, timeoutMs }: FunctionCall): CallProfile {
  const name = `${kind} ${timeoutMs}`;
  const known = profiles.get(name);
  if (known !== undefined) return known;
  const profile: CallProfile = {
    kind: kind === 'authorize' ? 'open' : kind,
    method: 'POST',
    isIdempotent: false,
    timeoutMs,
    maxAnswerBytes: MAX_ANSWER_BYTES + ALLOWANCE_BYTES,
    wantsBody: true,
  };
  profiles.set(name, profile); // as many as routes have time-outs
  return profile;
}
