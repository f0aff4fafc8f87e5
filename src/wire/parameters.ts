import { GatewayError } from './errors.ts';
import { isUrlencoded } from './tag-changes.ts';

/** The query of a request's URL. */
export function queryOf({ url }: { readonly url: string }): URLSearchParams {
  const start = url.indexOf('?');
  const query = start < 0 ? '' : url.slice(start + 1);
  if (!isUrlencoded(query)) throw new GatewayError('BAD_REQUEST', 'the query of the URL must be percent-encoded UTF-8');
  return new URLSearchParams(query);
}

/** The parameters of a request that knows these and no others. One that it would overlook or take once of two is a mistake. */
export function parametersOf(request: { readonly url: string }, known: readonly string[]): URLSearchParams {
  const parameters = queryOf(request);
  const seen = new Set<string>();
  for (const name of parameters.keys()) {
    const shown = JSON.stringify(name.slice(0, 40));
    if (!known.includes(name))
      throw new GatewayError(
        'BAD_REQUEST',
        `${shown} is no parameter of this request; ${known.length === 0 ? 'it has none' : `it has ${known.join(' and ')}`}`,
      );
    if (seen.has(name)) throw new GatewayError('BAD_REQUEST', `the parameter ${shown} is given twice`);
    seen.add(name);
  }
  return parameters;
}
