import type { OpenEvent } from '../../../core/events.ts';
import type { EventSource } from '../events.ts';

/** What one identity source says of a client; empty: nothing. */
export type IdentitySource = (event: OpenEvent) => string;

/** `route.request.header.NAME` of WebSocket APIs and `$request.header.NAME` of HTTP APIs are the same. */
const SOURCE = /^(?:route\.|\$)request\.(header|querystring)\.([^\s]+)$|^\$?(stageVariables|context)\.([\w.]+)$/;

/** What may be said of a connection before anybody has let it in. */
type ContextValue = (event: OpenEvent, api: EventSource) => string;
const CONTEXT: Readonly<Record<string, ContextValue>> = {
  'identity.sourceIp': ({ request }) => request.remoteAddress,
  'identity.userAgent': ({ request }) => headerOf(request.rawHeaders, 'user-agent'),
  connectionId: ({ party }) => party.id,
  stage: (_event, { stage }) => stage,
  apiId: (_event, { apiId }) => apiId,
  domainName: (_event, { domainName }) => domainName(),
  routeKey: () => '$connect',
  eventType: () => 'CONNECT',
};

/** What is wrong with an identity source as it is written, or null. */
export function identityProblem(written: string): string | null {
  const [, , , , value] = SOURCE.exec(written) ?? [];
  if (!SOURCE.test(written))
    return 'must be route.request.header.NAME, route.request.querystring.NAME, stageVariables.NAME or context.NAME';
  if (/^\$?context\./.test(written) && !Object.hasOwn(CONTEXT, value ?? ''))
    return `names a value that is not known at $connect; known are context.${Object.keys(CONTEXT).join(', context.')}`;
  return null;
}

/** Reads one that `identityProblem` found nothing wrong with. */
export function readIdentitySource(written: string, api: EventSource): IdentitySource {
  const [, where, name = '', kind, value = ''] = SOURCE.exec(written) ?? [];
  if (where === 'header') return ({ request }) => headerOf(request.rawHeaders, name.toLowerCase());
  if (where === 'querystring') return ({ request }) => [request.query[name] ?? ''].flat().at(-1) ?? '';
  if (kind === 'stageVariables') return () => api.stageVariables?.[value] ?? '';
  const known = CONTEXT[value];
  return known === undefined ? () => '' : (event) => known(event, api);
}

/** The last value of a header, whose name is given in lower case. */
function headerOf(rawHeaders: readonly string[], name: string): string {
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2)
    if (rawHeaders[index]?.toLowerCase() === name) return rawHeaders[index + 1] ?? '';
  return '';
}
