import type { FunctionResult, FunctionTarget } from '../../wire/functions.ts';
import type { TargetSpec } from '../../wire/targets.ts';

/** Calls nobody and returns always the same. */
export function createMock({ statusCode, body }: Extract<TargetSpec, { readonly type: 'mock' }>): FunctionTarget {
  const returned: FunctionResult = {
    type: 'returned',
    payload: Buffer.from(JSON.stringify({ statusCode, ...(body !== null && { body }) })),
  };
  return {
    invoke: (_call, receiver) => process.nextTick(() => receiver.settled(returned)),
    stop: () => Promise.resolve(),
  };
}
