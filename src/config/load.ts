import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import envSchema from 'env-schema';
import { distance } from 'fastest-levenshtein';
import { readers, type CidrList, type OptionForm } from './forms.ts';
import { Type } from 'typebox';
import type { Dialects } from '../dialects/definition.ts';
import { DIALECTS } from '../dialects/index.ts';
import { optionsWith, type Settings } from './options.ts';

/** sysexits.h EX_CONFIG. */
export const EXIT_BAD_CONFIG = 78;

/** Settings as read, plus the readings of those options that have a form of their own. */
export type Config = Omit<
  Settings,
  | 'BACKEND_HEADERS'
  | 'CONTROL_ALLOW'
  | 'CONTROL_ORIGINS'
  | 'CONTROL_TOKEN'
  | 'TRUST_PROXY'
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
  readonly TRUST_PROXY: CidrList;
  readonly WORKERS: number;
  readonly FORWARD_HEADERS: ReadonlySet<string>;
  readonly ORIGINS: readonly string[];
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

/** Everything that is wrong, one line a problem: variable, what was wanted, what came. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in the configuration:\n${problems.map((line) => `  ${line}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export type LoadOptions = { readonly dotenv?: boolean; readonly dialects?: Dialects };

/** Reads the environment (and `.env`, where asked). Throws a ConfigError that lists every problem. */
export function loadConfig(env: NodeJS.ProcessEnv, { dotenv = false, dialects = DIALECTS }: LoadOptions = {}): ConfigReport {
  const options: Options = optionsWith(dialects);
  const problems: string[] = [];
  const fromFile = dotenv && existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {};
  const given = definedOnly({ ...fromFile, ...env });
  const settings = readSettings(given, problems, options);
  const read = { ...settings } as Record<string, unknown>;
  for (const [name, schema] of Object.entries(options)) {
    const { form, default: standard } = schema as { form?: OptionForm; default?: unknown };
    if (form === undefined) continue;
    const value = (settings[name] ?? standard ?? '') as string;
    const result = readers[form](value);
    if (typeof result === 'string') problems.push(`${name}: ${result}, came ${shown(options, name, value)}`);
    else read[name] = result.value;
  }
  if (settings.API_URI === undefined && settings.ROUTES_FILE === undefined) problems.push(NO_BACKEND);
  if (settings.API_URI !== undefined && settings.ROUTES_FILE !== undefined)
    problems.push('API_URI: must not be set beside ROUTES_FILE, which replaces it');
  if (problems.length > 0) throw new ConfigError(problems);
  return { config: read as unknown as Config, warnings: nearMisses(given, options), effective: effectiveOf(settings, options) };
}

const NO_BACKEND = 'API_URI: the URL of the backend is needed, nothing came; example: API_URI=http://localhost:3000/websocket';

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && value !== '') given[name] = value; // empty is as unset
  return given;
}

type Options = ReturnType<typeof optionsWith>;

function readSettings(given: Record<string, string>, problems: string[], options: Options): Values {
  const data: Record<string, string> = { ...given };
  if (data['LOG_LEVEL']) data['LOG_LEVEL'] = data['LOG_LEVEL'].toUpperCase();
  for (const [name, schema] of Object.entries(options)) {
    const value = data[name];
    if (value === undefined || (schema as { type?: string }).type !== 'integer' || /^\d+$/.test(value)) continue;
    problems.push(`${name}: must be a whole number, came ${shown(options, name, value)}`); // Ajv would read 1e3, 0x50 and Infinity
    delete data[name];
  }
  for (;;) {
    try {
      return envSchema<Values>({ schema: Type.Object(options), data, env: false, ajv: { customOptions: knowOurKeywords } });
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
  const { isSecret } = (options[name] ?? {}) as { isSecret?: boolean };
  return value === '' ? 'nothing' : isSecret ? 'a secret value' : JSON.stringify(value);
}

function effectiveOf(settings: Values, options: Options): Record<string, string> {
  const effective: Record<string, string> = {};
  for (const name of Object.keys(options)) {
    const value = settings[name] as string | number | undefined;
    const { isSecret } = options[name] as { isSecret?: boolean };
    if (value !== undefined) effective[name] = isSecret ? '***' : String(value);
  }
  return effective;
}

/** Names a slip of the fingers away from ours: one letter in a short name, two in a long one. */
function nearMisses(given: Record<string, string>, options: Options): string[] {
  const names = Object.keys(options);
  const warnings: string[] = [];
  for (const name of Object.keys(given)) {
    if (name in options) continue;
    const meant = names.find((ours) => distance(name, ours) <= (ours.length > 8 ? 2 : 1));
    if (meant !== undefined) warnings.push(`${name} is no option; did you mean ${meant}?`);
  }
  return warnings;
}

/** Our schemas say more than JSON Schema knows: `form` and `isSecret` are for this file. */
function knowOurKeywords<Ajv extends { addKeyword: (name: string) => unknown }>(ajv: Ajv): Ajv {
  for (const name of ['form', 'isSecret']) ajv.addKeyword(name);
  return ajv;
}
