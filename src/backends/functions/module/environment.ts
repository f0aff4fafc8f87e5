export type HandlerEnvironment = {
  /** What the handler's author sets; it goes before everything else. */
  readonly env: Readonly<Record<string, string>>;
  /** The gateway's own variables, of which a handler gets those that say nothing of the gateway. */
  readonly inherited: Readonly<Record<string, string | undefined>>;
  readonly functionName: string;
  /** `src/chat.handler` */
  readonly handler: string;
  /** Lambda's /var/task: where the code lies. */
  readonly root: string;
  readonly memoryMb: number;
};

/** What a program needs to run and to reach AWS, or what stands in for it; the gateway's tokens, keys and addresses are not among them. */
const INHERITED = /^(?:PATH|HOME|USER|TMPDIR|TEMP|TMP|LANG|LC_\w+|SystemRoot|NODE_ENV|NODE_EXTRA_CA_CERTS|AWS_\w+|(?:HTTPS?|NO)_PROXY)$/i;

export const DEFAULT_REGION = 'us-east-1';

/** `process.env` of an instance: what AWS Lambda sets, then what is inherited, then the author's own. */
export function environmentOf({ env, inherited, functionName, handler, root, memoryMb }: HandlerEnvironment): Record<string, string> {
  const passed = Object.entries(inherited).filter((entry): entry is [string, string] => entry[1] !== undefined && INHERITED.test(entry[0]));
  const all: Record<string, string> = { TZ: 'UTC', LANG: 'en_US.UTF-8', ...Object.fromEntries(passed), ...env };
  const region = all['AWS_REGION'] ?? all['AWS_DEFAULT_REGION'] ?? DEFAULT_REGION;
  return {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${process.versions.node.split('.')[0]}.x`,
    AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
    ...all,
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${functionName}`,
    AWS_LAMBDA_LOG_STREAM_NAME: functionName,
    LAMBDA_TASK_ROOT: root,
    LAMBDA_RUNTIME_DIR: root,
    _HANDLER: handler,
  };
}
