import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export type Schema = Readonly<Record<string, unknown>>;
export type Media = { readonly schema: Schema; readonly example?: unknown; readonly examples?: unknown };
export type Body = { readonly content: Readonly<Record<string, Media>> };
export type Answer = { readonly headers?: Readonly<Record<string, unknown>>; readonly content?: Readonly<Record<string, Media>> };
export type Parameter = {
  readonly $ref?: string;
  readonly name: string;
  readonly in: string;
  readonly style?: string;
  readonly explode?: boolean;
  readonly schema: Schema;
};
export type Operation = {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Answer>>;
};
type Items = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/** `openapi.yaml` as it lies there. */
export const document = parse(readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8')) as {
  readonly paths: Items;
  readonly webhooks: Items;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

export const commands: readonly Operation[] = Object.values(document.paths).flatMap((item) => Object.values(item));
export const events: readonly Operation[] = Object.values(document.webhooks).flatMap((item) => Object.values(item));

export function command(id: string): Operation {
  const found = commands.find(({ operationId }) => operationId === id);
  if (found === undefined) throw new Error(`openapi.yaml has no operation ${id}`);
  return found;
}
