import envSchema from 'env-schema';
import { ConfigError } from './config-error.ts';
import { EMPTY_LIST, readers, type CidrList, type OptionForm } from './forms.ts';
import { Type } from 'typebox';
import type { Dialects } from '../dialects/definition.ts';
import { DIALECTS } from '../dialects/index.ts';
import { givenBy } from './given.ts';
import { nearMisses } from './near-misses.ts';
import { optionsWith, type Settings } from './options.ts';
import type { ClaimTag } from '../wire/client-tokens.ts';
import { withSecrets, type SecretFile } from './secret-files.ts';
import { readTls } from './tls.ts';
import { readTracing, type TracingSettings } from './tracing.ts';
import { withoutSecrets } from './without-secrets.ts';

export { ConfigError } from './config-error.ts';

/** sysexits.h EX_CONFIG. */
export const EXIT_BAD_CONFIG = 78;

/** Settings as read, plus the readings of those options that have a form of their own. */
export type Config = Omit<
  Settings,
  | 'BACKEND_HEADERS'
  | 'CONTROL_ALLOW'
  | 'CONTROL_ORIGINS'
  | 'CONTROL_TOKEN'
  | 'CONTROL_PUSH_TOKEN'
  | 'CONTROL_READ_TOKEN'
  | 'JWT_ISSUER'
  | 'JWT_AUDIENCE'
  | 'JWT_CLAIM_TAGS'
  | 'WEBHOOK_SECRETS'
  | 'TRUST_PROXY'
  | 'EXTENSIONS'
  | 'WORKERS'
  | 'FORWARD_HEADERS'
  | 'ORIGINS'
  | 'API_URI'
> & {
  /** Undefined only where there is a ROUTES_FILE. */
  readonly API_URI: URL | undefined;
  readonly BACKEND_HEADERS: readonly string[];
  /** Without entries where it is not set. */
  readonly CONTROL_ALLOW: CidrList;
  readonly CONTROL_ORIGINS: readonly string[];
  readonly CONTROL_TOKEN: readonly string[];
  readonly CONTROL_PUSH_TOKEN: readonly string[];
  readonly CONTROL_READ_TOKEN: readonly string[];
  readonly JWT_ISSUER: readonly string[];
  readonly JWT_AUDIENCE: readonly string[];
  readonly JWT_CLAIM_TAGS: readonly ClaimTag[];
  /** The bytes of each. */
  readonly WEBHOOK_SECRETS: readonly Buffer[];
  readonly TRUST_PROXY: CidrList;
  readonly EXTENSIONS: readonly string[];
  readonly WORKERS: number;
  readonly FORWARD_HEADERS: ReadonlySet<string>;
  readonly ORIGINS: readonly string[];
  /** Of OpenTelemetry's variables, which are no options of ours; null: nobody wants spans. */
  readonly TRACING: TracingSettings | null;
  /** Of the secrets that came from files, by the names of the options. */
  readonly secretFiles: ReadonlyMap<string, SecretFile>;
  /** What the files of TLS hold, in the order of `tlsFiles`; null: TLS is off. */
  readonly tlsContents: readonly Buffer[] | null;
};

/** A dialect's options are read as its schema says, by their own names. */
type Values = Settings & Readonly<Record<string, unknown>>;

export type ConfigReport = {
  readonly config: Config;
  /** Variables whose name nearly matches one of ours. */
  readonly warnings: readonly string[];
  /** Every option as text, secrets masked. */
  readonly effective: Readonly<Record<string, string>>;
};

export type LoadOptions = {
  readonly dotenv?: boolean;
  readonly dialects?: Dialects;
  /** Routes and backends come from the program that the gateway is part of. */
  readonly isHosted?: boolean;
};

/** Reads the environment (and `.env`, where asked). Throws a ConfigError that lists every problem. */
export function loadConfig(
  env: NodeJS.ProcessEnv = process.env,
  { dotenv = false, dialects = DIALECTS, isHosted = false }: LoadOptions = {},
): ConfigReport {
  const options: Options = optionsWith(dialects);
  const problems: string[] = [];
  const { values, hollow } = givenBy(env, { dotenv, names: Object.keys(options) });
  const { given, files } = withSecrets(values, options, problems);
  const warnings = nearMisses(Object.keys(given), Object.keys(options));
  for (const name of hollow) {
    const { form } = (options[name] ?? {}) as { form?: OptionForm };
    if (form !== undefined && readers[form](' ') === EMPTY_LIST)
      problems.push(`${name}: ${EMPTY_LIST}, came nothing but white space and quotes`);
  }
  const settings = readSettings(given, problems, { options, schema: schemaOf(dialects, options) });
  const read = { ...settings } as Record<string, unknown>;
  for (const [name, schema] of Object.entries(options)) {
    const { form, default: standard } = schema as { form?: OptionForm; default?: unknown };
    if (form === undefined) continue;
    const value = (settings[name] ?? standard ?? '') as string;
    const result = readers[form](value);
    if (typeof result === 'string') problems.push(`${name}: ${result}, came ${shown(options, name, value)}`);
    else read[name] = result.value;
  }
  const tlsContents = readTls(settings, problems);
  if (settings.API_URI === undefined && settings.ROUTES_FILE === undefined && !isHosted) problems.push(NO_BACKEND);
  if (settings.API_URI !== undefined && settings.ROUTES_FILE !== undefined)
    problems.push('API_URI: must not be set beside ROUTES_FILE, which replaces it');
  if (settings.ROUTES_FILE === undefined && settings.JWT_JWKS_URI === undefined && !isHosted)
    for (const name of ['JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_CLAIM_TAGS'] as const)
      if (settings[name] !== undefined) problems.push(`${name}: needs JWT_JWKS_URI beside it: without keys no token is looked at`);
  if (problems.length > 0) throw new ConfigError(problems, warnings, settings.ROUTES_FILE);
  const { tracing, warnings: ofTracing } = readTracing(env);
  const config = { ...read, secretFiles: files, tlsContents, TRACING: tracing } as unknown as Config;
  return { config, warnings: [...warnings, ...ofTracing], effective: effectiveOf(settings, options) };
}

const NO_BACKEND = 'API_URI: the URL of the backend is needed, nothing came; example: API_URI=http://localhost:3000/websocket';

type Options = ReturnType<typeof optionsWith>;

/** What JSON Schema does not know is for this file. */
const OUR_WORDS: ReadonlySet<string> = new Set(['form', 'isSecret']);
const schemas = new WeakMap<Dialects, object>();

/** Of the options, without our own words. Ajv compiles it once for all who read them in this process. */
function schemaOf(dialects: Dialects, options: Options): object {
  const known = schemas.get(dialects);
  if (known !== undefined) return known;
  const properties = Object.entries(options).map(([name, option]) => {
    const words = Object.entries(option).filter(([word]) => !OUR_WORDS.has(word));
    return [name, Object.fromEntries(words)];
  });
  const schema = { ...Type.Object(options), properties: Object.fromEntries(properties) };
  schemas.set(dialects, schema);
  return schema;
}

type Read = { readonly options: Options; readonly schema: object };

function readSettings(given: Record<string, string>, problems: string[], { options, schema }: Read): Values {
  const data: Record<string, string> = { ...given };
  if (data['LOG_LEVEL']) data['LOG_LEVEL'] = data['LOG_LEVEL'].toUpperCase();
  if (data['LOG_FORMAT']) data['LOG_FORMAT'] = data['LOG_FORMAT'].toLowerCase();
  for (const [name, schema] of Object.entries(options)) {
    const value = data[name];
    if (value === undefined || (schema as { type?: string }).type !== 'integer' || /^\d+$/.test(value)) continue;
    problems.push(`${name}: must be a whole number, came ${shown(options, name, value)}`); // Ajv would read 1e3, 0x50 and Infinity
    delete data[name];
  }
  for (;;) {
    try {
      return envSchema<Values>({ schema, data, env: false });
    } catch (error) {
      const errors = (error as { errors?: { instancePath: string; message?: string; params?: Record<string, unknown> }[] }).errors;
      if (errors === undefined || errors.length === 0) throw error;
      for (const { instancePath, message, params } of errors) {
        const name = instancePath.slice(1);
        const allowed = params?.['allowedValues'];
        const wanted = Array.isArray(allowed) ? `must be one of ${allowed.join(', ')}` : message;
        problems.push(`${name}: ${wanted}, came ${shown(options, name, data[name] ?? '')}`);
      }
      for (const { instancePath } of errors) delete data[instancePath.slice(1)]; // go on with the default, to find the rest
    }
  }
}

function shown(options: Options, name: string, value: string): string {
  const { isSecret, form } = (options[name] ?? {}) as { isSecret?: boolean; form?: OptionForm };
  if (value === '') return 'nothing';
  if (isSecret) return 'a secret value';
  return JSON.stringify(isUrl(form) ? withoutSecrets(value) : value);
}

function effectiveOf(settings: Values, options: Options): Record<string, string> {
  const effective: Record<string, string> = {};
  for (const name of Object.keys(options)) {
    const value = settings[name] as string | number | undefined;
    const { isSecret, form } = options[name] as { isSecret?: boolean; form?: OptionForm };
    if (value === undefined) continue;
    effective[name] = isSecret ? '***' : isUrl(form) ? withoutSecrets(String(value)) : String(value);
  }
  return effective;
}

function isUrl(form: OptionForm | undefined): boolean {
  return form === 'url' || form === 'prefix' || form === 'key-set-url';
}
