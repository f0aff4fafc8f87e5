import { Type, type Static } from 'typebox';

/** What runs a function, as a routes file says it: which of the properties each type has is in `TARGET_PROPERTIES`. */
export const targetSchema = Type.Object(
  {
    type: Type.Enum(['webhook', 'rie', 'lambda', 'module', 'mock', 'AWS_PROXY', 'HTTP_PROXY', 'MOCK'], {
      description:
        '`webhook`: POST to a URL. `rie`: the Lambda Runtime Interface Emulator of a container image. `lambda` (or `AWS_PROXY`): the Invoke API. `module`: a handler file. `mock` (or `MOCK`): nothing is called. `HTTP_PROXY`: as `webhook`.',
    }),
    url: Type.Optional(
      Type.String({
        description:
          'webhook: where events are posted. rie: origin of the emulator, whose path is added. lambda: endpoint of the Invoke API; default: that of the region. May hold `${stageVariables.NAME}`.',
      }),
    ),
    answer: Type.Optional(
      Type.Enum(['http', 'envelope'], {
        description:
          'webhook: `http` (default): status, headers and body of the answer are the function’s. `envelope`: the answer’s body is what the function returned.',
      }),
    ),
    headers: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'webhook: further fixed headers of every call.' })),
    function: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'lambda: name or ARN of the function. module: the name that it is told it has. Default: that of its file.',
      }),
    ),
    qualifier: Type.Optional(Type.String({ minLength: 1, description: 'lambda: version or alias.' })),
    region: Type.Optional(Type.String({ minLength: 1, description: 'lambda: its region. Default: that of the environment.' })),
    file: Type.Optional(Type.String({ minLength: 1, description: 'module: the handler file, relative to the routes file.' })),
    export: Type.Optional(Type.String({ minLength: 1, description: 'module: the name of the handler. Default: handler.' })),
    timeoutMs: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 900_000, description: 'module: the function’s own time-out. Default: that of its route.' }),
    ),
    memoryMb: Type.Optional(
      Type.Integer({ minimum: 64, maximum: 10_240, description: 'module: most memory of each of its processes. Default: 512.' }),
    ),
    maxInstances: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 256, description: 'module: its processes at once, each with one call at a time. Default: 8.' }),
    ),
    directory: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'module: where its processes run, relative to the routes file. Default: the folder of that file.',
      }),
    ),
    env: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'module: its environment.' })),
    statusCode: Type.Optional(Type.Integer({ minimum: 200, maximum: 599, description: 'mock: the status that it answers. Default: 200.' })),
    body: Type.Optional(Type.String({ description: 'mock: the body that it answers. Default: none.' })),
  },
  { additionalProperties: false },
);

export type WrittenTarget = Static<typeof targetSchema>;

/** The same, by type: what is not given has its default, and a file its whole path. */
export type TargetSpec =
  | {
      readonly type: 'webhook';
      readonly url: string;
      readonly answer: 'http' | 'envelope';
      /** Name, value, name, value …, the names in lower case. */
      readonly headers: readonly string[];
    }
  | { readonly type: 'rie'; readonly url: string }
  | {
      readonly type: 'lambda';
      readonly function: string;
      readonly qualifier: string | null;
      readonly region: string | null;
      readonly url: string | null;
    }
  | {
      readonly type: 'module';
      readonly file: string;
      readonly export: string;
      readonly function: string | null;
      /** Absolute. */
      readonly directory: string;
      readonly timeoutMs: number | null;
      readonly memoryMb: number | null;
      readonly maxInstances: number | null;
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly type: 'mock'; readonly statusCode: number; readonly body: string | null };

export type TargetType = TargetSpec['type'];

/** Names that people bring from AWS's integration types. */
export const TARGET_ALIASES: Readonly<Record<string, TargetType>> = { AWS_PROXY: 'lambda', HTTP_PROXY: 'webhook', MOCK: 'mock' };

/** What a target of each type must have, and what else it may have. */
export const TARGET_PROPERTIES: {
  readonly [Type in TargetType]: {
    readonly required: readonly (keyof WrittenTarget)[];
    readonly optional: readonly (keyof WrittenTarget)[];
  };
} = {
  webhook: { required: ['url'], optional: ['answer', 'headers'] },
  rie: { required: ['url'], optional: [] },
  lambda: { required: ['function'], optional: ['qualifier', 'region', 'url'] },
  module: { required: ['file'], optional: ['export', 'function', 'directory', 'timeoutMs', 'memoryMb', 'maxInstances', 'env'] },
  mock: { required: [], optional: ['statusCode', 'body'] },
};

/** What an operator knows a target by; no secrets. */
export function targetName(spec: TargetSpec): string {
  switch (spec.type) {
    case 'webhook':
    case 'rie':
      return new URL(spec.url).origin;
    case 'lambda':
      return `lambda:${spec.function}`;
    case 'module':
      return `module:${spec.file}`;
    case 'mock':
      return 'mock';
  }
}
