import type { AwsApi, AwsRoute } from '../aws-api.ts';
import type { FunctionIndex } from '../cloudformation/targets.ts';
import type { Cursor } from '../cursor.ts';
import type { Notes } from '../notes.ts';
import type { ServerlessFunction } from './functions.ts';

/** What Serverless takes where an authorizer does not say. */
const DEFAULT_IDENTITY_SOURCE: readonly string[] = ['route.request.header.Auth'];

export type Websockets = { readonly routes: ReadonlyMap<string, AwsRoute>; readonly authorizer: AwsApi['authorizer'] };

/** The `websocket` events of functions. */
export function websocketsOf(functions: readonly ServerlessFunction[], index: FunctionIndex, notes: Notes): Websockets {
  const routes = new Map<string, AwsRoute>();
  let authorizer: AwsApi['authorizer'] = null;
  for (const { function: handler, entry } of functions) {
    for (const item of entry.get('events').items()) {
      const event = item.get('websocket');
      if (!event.isGiven) continue;
      const key = event.text() ?? event.get('route').text();
      if (key === null) {
        notes.add(event.place, event.path, 'a route such as $connect was wanted: the event is left out');
        continue;
      }
      routes.set(key, {
        target: { type: 'function', function: handler },
        hasResponse: event.get('routeResponseSelectionExpression').isGiven,
        integrationTimeoutMs: null,
        throttle: null,
        place: event.place,
      });
      const checked = event.get('authorizer');
      if (checked.isGiven) authorizer = authorizerOf(checked, index, notes);
    }
  }
  return { routes, authorizer };
}

/** A name, an ARN, or a map with one of them and `identitySource`. */
function authorizerOf(authorizer: Cursor, index: FunctionIndex, notes: Notes): AwsApi['authorizer'] {
  const named = authorizer.text() ?? authorizer.get('name').text();
  const arn = authorizer.get('arn').text();
  const said = arn ?? named;
  if (said === null || /^aws_iam$/i.test(said)) {
    notes.add(authorizer.place, authorizer.path, 'a function or its ARN was wanted');
    return { target: null, place: authorizer.place };
  }
  const sources = authorizer.get('identitySource');
  return {
    target: index.targetOf(said),
    identitySource: sources.isGiven ? sources.texts() : DEFAULT_IDENTITY_SOURCE,
    place: authorizer.place,
  };
}
