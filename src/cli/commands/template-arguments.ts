import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import type { AwsApi, TemplateOptions } from '../../templates/aws-api.ts';

/** Flags of every command that reads a template. */
export const TEMPLATE_FLAGS = {
  help: { type: 'boolean', short: 'h' },
  api: { type: 'string', multiple: true },
  stage: { type: 'string' },
  region: { type: 'string' },
  parameter: { type: 'string', multiple: true },
} as const satisfies ParseArgsOptionsConfig;

export const TEMPLATE_USAGE = `  --api NAME              this API of the template only (may be given several times)
  --stage NAME            the stage: of Serverless what \`--stage\` is there, else which of the API's stages
  --region NAME           the region that ARNs name
  --parameter NAME=VALUE  a parameter of the template (CloudFormation), a \`param\` or \`opt\` (Serverless)
`;

type Values<Flags extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ options: Flags; allowPositionals: true }>>['values'];

/** The flags of a line and its one file; a text says what cannot be understood of it. */
export function readLine<Flags extends ParseArgsOptionsConfig>(
  argv: readonly string[],
  flags: Flags,
  wanted: string,
): { readonly values: Values<Flags>; readonly file: string } | string {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options: flags, allowPositionals: true });
    const [file, ...more] = positionals;
    if ('help' in values && values['help'] === true) return { values, file: '' };
    if (file === undefined) return `${wanted} was wanted.`;
    return more.length > 0 ? `One file was wanted, ${positionals.length} came: ${positionals.join(', ')}.` : { values, file };
  } catch (error) {
    return (error as Error).message;
  }
}

/** Of the flags that every command with a template has. */
export function templateOptions(
  { stage, region, parameter = [] }: Pick<Values<typeof TEMPLATE_FLAGS>, 'stage' | 'region' | 'parameter'>,
  environment: TemplateOptions['environment'],
): TemplateOptions | string {
  const pairs = parameter.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const);
  const wrong = parameter.find((pair) => pair.indexOf('=') < 1);
  return wrong === undefined
    ? { stage, region, parameters: new Map(pairs), environment }
    : `--parameter NAME=VALUE was wanted, ${wrong} came.`;
}

/** Those that are asked for, by name; a text says that there is none. */
export function chosenApis(apis: readonly AwsApi[], names: readonly string[] | undefined): readonly AwsApi[] | string {
  const known = apis.map(({ name }) => name).join(', ');
  const missing = names?.find((name) => !apis.some((api) => api.name === name));
  if (apis.length === 0) return 'no WebSocket API is in it: one with routes ($connect, $default …) was wanted';
  if (missing !== undefined) return `no API is called ${missing}; there is ${known}`;
  return names === undefined ? apis : apis.filter(({ name }) => names.includes(name));
}
