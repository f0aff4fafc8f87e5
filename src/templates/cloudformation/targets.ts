import type { AwsFunction, AwsTarget } from '../aws-api.ts';
import type { Cursor } from '../cursor.ts';
import type { Notes } from '../notes.ts';

/** The first of a name counts. Finds functions by what routes and authorizers say of them: `…:function:NAME[:ALIAS]`, or the path of API Gateway around it, or a name. */
export class FunctionIndex {
  readonly #byName = new Map<string, AwsFunction>();

  constructor(functions: readonly AwsFunction[]) {
    for (const entry of functions)
      for (const name of [entry.functionName, entry.name]) if (!this.#byName.has(name)) this.#byName.set(name, entry);
  }

  targetOf(said: string): AwsTarget {
    const arn = /functions\/(.+?)\/invocations/.exec(said)?.[1] ?? said;
    const name = /:function:([^:/]+)/.exec(arn)?.[1] ?? arn;
    const found = this.#byName.get(name);
    return found === undefined ? { type: 'elsewhere', arn } : { type: 'function', function: found };
  }
}

/** What an integration asks; null: nothing that could be mapped, which was reported. */
export function integrationTarget(integration: Cursor, index: FunctionIndex, notes: Notes): AwsTarget | null {
  const type = integration.get('IntegrationType').text() ?? '';
  const at = integration.get('IntegrationType');
  const uri = integration.get('IntegrationUri').text();
  switch (type) {
    case 'AWS_PROXY':
    case 'AWS':
      if (type === 'AWS')
        notes.add(at.place, at.path, 'templates of requests and responses are not kept: the function gets the whole event');
      return uri === null ? null : index.targetOf(uri);
    case 'HTTP_PROXY':
    case 'HTTP':
      notes.add(at.place, at.path, 'the URL gets the whole event as JSON, not the bare message');
      return uri === null ? null : { type: 'http', url: uri };
    case 'MOCK':
      notes.add(at.place, at.path, 'it answers 200 without a body, whatever its templates say');
      return { type: 'mock' };
    default:
      notes.add(at.place, at.path, `no target is like ${type === '' ? 'an integration without a type' : type}`);
      return null;
  }
}
