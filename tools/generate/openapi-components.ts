import { isDeepStrictEqual } from 'node:util';

type Json = Readonly<Record<string, unknown>>;
type Components = { readonly schemas: Record<string, Json>; readonly parameters: Record<string, Json> };
type Document = { readonly paths: unknown; readonly webhooks?: unknown; readonly components: { readonly schemas?: object } };

/**
 * Gives names to what repeats: a schema with a `title` becomes a component of that name, and so does a header that every
 * event carries. Generators of clients make a type of each.
 */
export function withComponents(document: Document): object {
  const components: Components = { schemas: {}, parameters: {} };
  const paths = hoisted(document.paths, components);
  const webhooks = hoisted(document.webhooks ?? {}, components);
  return {
    ...document,
    paths,
    webhooks,
    components: { ...document.components, schemas: sorted(components.schemas), parameters: components.parameters },
  };
}

function hoisted(value: unknown, components: Components): unknown {
  if (Array.isArray(value)) return value.map((one) => hoisted(one, components));
  if (!isObject(value)) return value;
  const whole = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, DATA.has(key) ? part : hoisted(part, components)]));
  const { title, in: place, name } = whole;
  if (!('example' in whole)) Object.assign(whole, exampleOf(value['schema']));
  if (isObject(whole['patternProperties'])) {
    // TypeBox 1.4 writes a record so; additionalProperties says the same, and generators know it
    whole['additionalProperties'] = Object.values(whole['patternProperties'])[0];
    delete whole['patternProperties'];
  }
  if (place === 'header' && typeof name === 'string' && name.startsWith('WS-')) return parameterOf(name, whole, components);
  return typeof title === 'string' && whole['type'] === 'object' ? schemaOf(title, whole, components) : whole;
}

/** A schema with a name has no examples of its own, the body in which it is used has. */
function exampleOf(schema: unknown): { readonly example?: unknown } {
  if (!isObject(schema) || typeof schema['title'] !== 'string' || !Array.isArray(schema['examples'])) return {};
  return { example: schema['examples'][0] as unknown };
}

/** What is data, and no part of the description. */
const DATA = new Set(['example', 'examples', 'default', 'enum']);

const OF_ITS_USE = new Set(['title', 'description', 'example', 'examples']);

/** What the schema is used for stays where it is used; what it is has one place. */
function schemaOf(name: string, whole: Json, components: Components): Json {
  const schema = Object.fromEntries(Object.entries(whole).filter(([key]) => !OF_ITS_USE.has(key)));
  const known = components.schemas[name];
  if (known !== undefined && !isDeepStrictEqual(known, schema))
    throw new Error(`two schemas have the title ${name}, and differ: give one of them another title`);
  components.schemas[name] = schema;
  return { $ref: `#/components/schemas/${name}` };
}

function parameterOf(name: string, parameter: Json, components: Components): Json {
  const known = (components.parameters[name] ??= parameter);
  return isDeepStrictEqual(known, parameter) ? { $ref: `#/components/parameters/${name}` } : parameter;
}

function sorted(record: Record<string, Json>): Record<string, Json> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}
