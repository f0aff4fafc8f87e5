import { basename, dirname, join, resolve } from 'node:path';
import type { AwsCode, AwsFunction } from '../aws-api.ts';
import type { Cursor } from '../cursor.ts';
import { foreignRuntime, handlerCode } from '../handler.ts';
import type { Stack } from './intrinsics.ts';
import { ofType, type Resource } from './resources.ts';

const LAMBDA_TIMEOUT_S = 3;
const LAMBDA_MEMORY_MB = 128;
/** The export that a file of inline code has (AWS names its file `index`). */
const INLINE_EXPORT = 'handler';

/** Folders that a template's code is in, by what the template says of it: assets of the CDK. Null: not known. */
export type FindAsset = (resource: Resource) => string | null;

/** The functions of a stack, of CloudFormation's and of SAM's kind. */
export async function functionsOf(stack: Stack, findAsset: FindAsset): Promise<AwsFunction[]> {
  const globals = stack.root.get('Globals', 'Function');
  const functions = ofType(stack.resources, 'AWS::Lambda::Function', 'AWS::Serverless::Function');
  return Promise.all(functions.map((resource) => functionOf(stack, resource, { globals, findAsset })));
}

async function functionOf(
  stack: Stack,
  resource: Resource,
  { globals, findAsset }: { readonly globals: Cursor; readonly findAsset: FindAsset },
): Promise<AwsFunction> {
  const { id, properties, type, cursor } = resource;
  const isSam = type === 'AWS::Serverless::Function';
  /** A property, else SAM's global one. */
  const property = (name: string): Cursor => {
    const own = properties.get(name);
    return own.isGiven || !isSam ? own : globals.get(name);
  };
  const runtime = property('Runtime').text() ?? '';
  return {
    name: id,
    functionName: stack.names.nameOf(resource),
    runtime,
    code: await codeOf(resource, { property, runtime, findAsset }),
    environment: { ...(isSam && variablesOf(globals)), ...variablesOf(properties) },
    timeoutMs: (property('Timeout').number() ?? LAMBDA_TIMEOUT_S) * 1_000,
    memoryMb: property('MemorySize').number() ?? LAMBDA_MEMORY_MB,
    place: cursor.place,
  };
}

function variablesOf(properties: Cursor): Record<string, string> {
  return properties.get('Environment', 'Variables').textEntries();
}

type CodeOptions = {
  readonly property: (name: string) => Cursor;
  readonly runtime: string;
  readonly findAsset: FindAsset;
};

async function codeOf(resource: Resource, { property, runtime, findAsset }: CodeOptions): Promise<AwsCode> {
  if (property('PackageType').text() === 'Image') return { type: 'foreign', said: 'it is a container image' };
  const foreign = foreignRuntime(runtime);
  if (foreign !== null) return { type: 'foreign', said: foreign };
  const source = (property('InlineCode').isGiven ? property('InlineCode') : property('Code').get('ZipFile')).text();
  if (source !== null) return { type: 'inline', source, export: INLINE_EXPORT };
  const handler = property('Handler').text() ?? '';
  return handlerCode(handler, foldersOf(resource, property, findAsset));
}

/** Where the handler may lie: an asset, the code's folder, and where code was packed and sent elsewhere, beside the template and above its build folder. */
function foldersOf(resource: Resource, property: CodeOptions['property'], findAsset: FindAsset): string[] {
  const beside = dirname(resolve(resource.cursor.place.file));
  const asset = findAsset(resource);
  if (asset !== null) return [asset];
  const code = property('CodeUri').isGiven ? property('CodeUri') : property('Code');
  const folder = code.text();
  if (folder !== null && !folder.startsWith('s3:')) return [join(beside, folder)];
  return basename(beside).startsWith('.') ? [beside, dirname(beside)] : [beside];
}
