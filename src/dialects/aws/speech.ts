import { createInboxes } from '../../core/inbox.ts';
import { createUnorderedInboxes } from '../../core/unordered-inbox.ts';
import type { FunctionSpeech } from '../../wire/codec.ts';
import type { FunctionTarget } from '../../wire/functions.ts';
import type { AwsApi, AwsFunction } from './api.ts';
import { createAuthorizer } from './authorizer.ts';
import { AwsBackend } from './backend.ts';
import { AwsCodec } from './codec.ts';

/** An API by the functions that run its routes: opens each, once for equal ones. */
export function speakAws(api: AwsApi, wsUri: (id: string) => string): FunctionSpeech {
  return {
    type: 'functions',
    async serve(host) {
      const targets = new Map<AwsFunction, FunctionTarget>();
      for (const fn of api.functions.values()) targets.set(fn, await host.open(fn.target));
      const target = api.authorizerTarget === null ? null : await host.open(api.authorizerTarget);
      const { clock, log } = host;
      const authorizer = api.authorizer === null ? null : await createAuthorizer({ api, target, clock, log });
      const backend = new AwsBackend({ api, codec: new AwsCodec(api, wsUri), targets, authorizer, clock, log });
      const { limits } = api;
      return { backend, intake: (api.isConcurrent ? createUnorderedInboxes : createInboxes)({ backend, limits }) };
    },
  };
}
