import { dirname, resolve } from 'node:path';
import type { AwsCode, AwsFunction } from '../aws-api.ts';
import type { Cursor } from '../cursor.ts';
import { foreignRuntime, handlerCode } from '../handler.ts';

const SERVERLESS_TIMEOUT_S = 6;
const SERVERLESS_MEMORY_MB = 1_024;
const SERVERLESS_RUNTIME = 'nodejs';

/** A function of a Serverless template and the entry that it is read from. */
export type ServerlessFunction = { readonly function: AwsFunction; readonly entry: Cursor };

/** The functions by their names; `functions` may be a list of such maps. */
export function functionEntries(template: Cursor): Map<string, Cursor> {
  return new Map(
    template
      .get('functions')
      .items()
      .flatMap((group) => group.entries()),
  );
}

export async function readFunction(
  name: string,
  entry: Cursor,
  { template, functionName }: { readonly template: Cursor; readonly functionName: string },
): Promise<ServerlessFunction> {
  const provider = template.get('provider');
  const runtime = (entry.get('runtime').text() ?? provider.get('runtime').text()) || SERVERLESS_RUNTIME;
  const read: AwsFunction = {
    name,
    functionName,
    runtime,
    code: await codeOf(entry, runtime, dirname(resolve(template.place.file))),
    environment: { ...provider.get('environment').textEntries(), ...entry.get('environment').textEntries() },
    timeoutMs: (entry.get('timeout').number() ?? provider.get('timeout').number() ?? SERVERLESS_TIMEOUT_S) * 1_000,
    memoryMb: entry.get('memorySize').number() ?? provider.get('memorySize').number() ?? SERVERLESS_MEMORY_MB,
    place: entry.place,
  };
  return { function: read, entry };
}

async function codeOf(entry: Cursor, runtime: string, folder: string): Promise<AwsCode> {
  if (entry.get('image').isGiven) return { type: 'foreign', said: 'it is a container image' };
  const foreign = foreignRuntime(runtime);
  if (foreign !== null) return { type: 'foreign', said: foreign };
  return handlerCode(entry.get('handler').text() ?? '', [folder]);
}

/** The logical id of a function: `my-fn` is `MyDashfnLambdaFunction`. */
export function logicalId(name: string): string {
  const spelt = name.replaceAll('-', 'Dash').replaceAll('_', 'Underscore');
  return `${spelt.charAt(0).toUpperCase()}${spelt.slice(1)}LambdaFunction`;
}
