import { Cursor } from '../cursor.ts';
import { Notes, TemplateError } from '../notes.ts';
import { parseFile } from '../parse.ts';
import { backendOf, type StreamBackend } from './streams.ts';

/** A routes file's routes, the environment beside it, and what could not be mapped. */
export type WsgatewayImport = {
  readonly routes: readonly object[];
  /** Settings that are environment variables here. */
  readonly environment: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
};

const KIB = 1_024;
/** What wsgateway takes where nothing is said. */
const DEFAULT_KB = 131_072;
const DEFAULT_ALLOW: readonly string[] = ['127.0.0.1/8', '::1/128'];
const KNOWN: ReadonlySet<string> = new Set([
  'listen_addr',
  'internal_endpoint_access_whitelist',
  'connection_redis_sync',
  'stream_redis',
  'stream_amqp',
  'max_message_size_kb',
  'endpoints',
  'prometheus',
]);

/** Reads wsgateway's config.yml (docs/migration.md#from-wsgateway). Throws a TemplateError. */
export function readWsgateway(file: string): WsgatewayImport {
  const root = parseFile(file);
  if (root.type !== 'map' || !(root.entries.has('endpoints') || root.entries.has('stream_redis') || root.entries.has('stream_amqp')))
    throw new TemplateError([`${file}:1: a config.yml of wsgateway, with endpoints and a stream, was wanted`]);
  const notes = new Notes();
  const config = new Cursor(root, (node) => node, { path: '', place: root.place });
  for (const [name, setting] of config.entries())
    if (!KNOWN.has(name)) notes.add(setting.place, name, 'no setting of wsgateway has this name');
  const backend = backendOf(config, notes);
  const redisSync = config.get('connection_redis_sync', 'addr');
  if (redisSync.isGiven)
    notes.add(
      redisSync.place,
      redisSync.path,
      'no connection:<id> keys are written; GET /status and GET /<id> tell the same, for the whole cluster',
    );
  const routes = config
    .get('endpoints')
    .items()
    .map((endpoint) => routeOf(endpoint, { backend, notes }))
    .filter((route) => route !== null);
  return { routes, environment: environmentOf(config, notes), notes: notes.lines };
}

function routeOf(endpoint: Cursor, { backend, notes }: { readonly backend: StreamBackend; readonly notes: Notes }): object | null {
  const path = endpoint.get('path').text();
  if (path === null) {
    notes.add(endpoint.place, endpoint.path, 'a path was wanted: the endpoint is left out, as wsgateway itself serves none without');
    return null;
  }
  const tags = endpoint.get('set_tags').textEntries();
  const include = endpoint.get('stream_include_tags');
  const size = endpoint.get('max_message_size_kb').number();
  const variables = variablesOf(endpoint.get('json_extract_vars'), backend, notes);
  return {
    path,
    dialect: 'stream',
    backend: backend.url,
    ...(Object.keys(tags).length > 0 && { tags }),
    streamIncludeTags: include.texts(), // none named: wsgateway tells none
    ...(Object.keys(variables).length > 0 && { jsonExtractVars: variables }),
    ...(size !== null && { maxMessageBytes: size * KIB }),
  };
}

function variablesOf(cursor: Cursor, { usedVariables }: StreamBackend, notes: Notes): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, path] of cursor.entries()) {
    if (!/^[A-Za-z0-9_]+$/.test(name))
      notes.add(path.place, path.path, 'letters, digits and _ were wanted: it is left out, as wsgateway does');
    else if (!usedVariables.has(name)) notes.add(path.place, path.path, `no name of a stream has {json.${name}}: it is left out`);
    else variables[name] = path.text() ?? '';
  }
  return variables;
}

function environmentOf(config: Cursor, notes: Notes): Record<string, string> {
  const listen = config.get('listen_addr').text() ?? '0.0.0.0:8080';
  const [, host = '', port = '8080'] = /^\[?(.*?)\]?:(\d+)$/.exec(listen) ?? [];
  const allow = config.get('internal_endpoint_access_whitelist').texts();
  const size = config.get('max_message_size_kb');
  if (!size.isGiven)
    notes.add(
      config.place,
      'max_message_size_kb',
      `wsgateway takes ${DEFAULT_KB} KiB where nothing is said; here MAX_MESSAGE_BYTES is 262144 bytes`,
    );
  return {
    ...(host !== '' && { HOST: host }),
    PORT: port,
    CONTROL_ALLOW: (allow.length > 0 ? allow : DEFAULT_ALLOW).join(','),
    ...(size.number() !== null && { MAX_MESSAGE_BYTES: String((size.number() ?? 0) * KIB) }),
    COMPRESSION: 'on',
  };
}
