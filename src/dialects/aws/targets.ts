import { resolve } from 'node:path';
import { TARGET_ALIASES, TARGET_PROPERTIES, type TargetSpec, type TargetType, type WrittenTarget } from '../../wire/targets.ts';
import { readUri } from '../../wire/ws-uris.ts';
import type { RouteProblem } from '../definition.ts';

type Variables = Readonly<Record<string, string>>;

const VARIABLE = /\$\{stageVariables\.([A-Za-z0-9_]+)\}/g;

function typeOf({ type }: WrittenTarget): TargetType {
  return TARGET_ALIASES[type] ?? (type as TargetType);
}

/** What is wrong with a target that its schema cannot judge; `at`: from the target on. */
export function targetProblems(target: WrittenTarget, variables: Variables): { readonly at: readonly string[]; readonly wanted: string }[] {
  const type = typeOf(target);
  const properties = TARGET_PROPERTIES[type];
  if (properties === undefined) return []; // its schema has said so
  const { required, optional } = properties;
  const problems: { at: readonly string[]; wanted: string }[] = [];
  for (const name of required)
    if (target[name] === undefined) problems.push({ at: [], wanted: `a target of type ${type} must have ${name}` });
  for (const name of Object.keys(target) as (keyof WrittenTarget)[])
    if (name !== 'type' && !required.includes(name) && !optional.includes(name))
      problems.push({ at: [name], wanted: `has no meaning in a target of type ${type}` });
  const { url, headers = {} } = target;
  if (url !== undefined) problems.push(...urlProblems(url, variables).map((wanted) => ({ at: ['url'], wanted })));
  for (const [name, value] of Object.entries(headers))
    if (!HEADER_NAME.test(name) || !HEADER_VALUE.test(value) || OURS.test(name))
      problems.push({ at: ['headers', name], wanted: 'must be a header that the gateway does not send itself' });
  return problems;
}

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;
const OURS = /^(host|content-length|content-type|connection|transfer-encoding|accept-encoding|ws-.*|traceparent)$/i;

function urlProblems(url: string, variables: Variables): string[] {
  const unknown = [...url.matchAll(VARIABLE)].map(([, name = '']) => name).filter((name) => !Object.hasOwn(variables, name));
  if (unknown.length > 0) return [`takes stageVariables.${unknown.join(', stageVariables.')}, which the stage has not`];
  const read = readUri(withVariables(url, variables));
  if (read === null || (read.protocol !== 'http:' && read.protocol !== 'https:')) return ['must be a URL of http or https'];
  if (read.username !== '' || read.password !== '') return ['must hold no user and password'];
  return [];
}

function withVariables(text: string, variables: Variables): string {
  return text.replaceAll(VARIABLE, (whole, name: string) => (Object.hasOwn(variables, name) ? (variables[name] ?? '') : whole));
}

/** A target that `targetProblems` found nothing wrong with. `directory`: of the routes file. */
export function readTarget(target: WrittenTarget, variables: Variables, directory: string): TargetSpec {
  const url = target.url === undefined ? '' : (readUri(withVariables(target.url, variables))?.href ?? '');
  const type = typeOf(target);
  switch (type) {
    case 'webhook':
      return {
        type,
        url,
        answer: target.answer ?? 'http',
        headers: Object.entries(target.headers ?? {}).flatMap(([name, value]) => [name.toLowerCase(), value]),
      };
    case 'rie':
      return { type, url };
    case 'lambda':
      return {
        type,
        function: target.function ?? '',
        qualifier: target.qualifier ?? null,
        region: target.region ?? null,
        url: url === '' ? null : url,
      };
    case 'module':
      return {
        type,
        file: resolve(directory, target.file ?? ''),
        export: target.export ?? 'handler',
        function: target.function ?? null,
        directory: resolve(directory, target.directory ?? '.'),
        timeoutMs: target.timeoutMs ?? null,
        memoryMb: target.memoryMb ?? null,
        maxInstances: target.maxInstances ?? null,
        env: target.env ?? {},
      };
    case 'mock':
      return { type, statusCode: target.statusCode ?? 200, body: target.body ?? null };
  }
}

/** The same problems, at their place in a route. */
export function problemsAt(place: readonly (string | number)[], target: WrittenTarget, variables: Variables): RouteProblem[] {
  return targetProblems(target, variables).map(({ at, wanted }) => ({ at: [...place, ...at], wanted }));
}
