import type { IncomingMessage } from 'node:http';
import { pathOf, readQuery, type Query } from '../server/query.ts';
import { requestProblem } from '../server/request-form.ts';

/**
 * The query of an upgrade request that needs nothing of the framework: its cycle is a sixth of what a connect costs. Null:
 * the request is none of those. What the framework does for it is done by the same functions: the form of the request is
 * checked (`requestProblem`) and its query read (`readQuery`). Both ways give the same answers
 * (test/edge/sockets/plain-upgrades.test.ts).
 *
 * `rewrite`: of a target, the spelling that the routes have.
 */
export function plainQuery(request: IncomingMessage, rewrite: (target: string) => string): Query | null {
  const { method, url = '' } = request;
  if (method !== 'GET' || requestProblem(request) !== null || rewrite(url) !== url) return null;
  const path = pathOf(url);
  if (path.includes('%')) return null; // the router refuses a path that cannot be decoded
  return readQuery(url.slice(path.length + 1));
}
