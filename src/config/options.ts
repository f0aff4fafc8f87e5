import { Type, type Static, type TSchema } from 'typebox';
import { DIALECTS } from '../dialects/index.ts';
import type { Dialects } from '../dialects/definition.ts';
import { choice, milliseconds, whole } from '../wire/option-schemas.ts';
import type { OptionForm } from './forms.ts';
import { withSecretFiles } from './secret-files.ts';
import { YOUNG_GENERATION_MB, YOUNG_GENERATION_OPTION } from './young-generation.ts';

type Extra = { readonly default?: unknown; readonly form?: OptionForm; readonly isSecret?: boolean; readonly pattern?: string };

const text = (description: string, extra: Extra = {}) => Type.String({ description, ...extra });
/** The gateway's own options. */
const own = {
  API_URI: Type.Optional(
    text(
      'The backend. No scheme means `http://`. May hold `{id}` (the percent-encoded connection id), else used as it is. `module:./handlers.js` is code in this process. Needed, unless there is a `ROUTES_FILE`.',
      { form: 'url' },
    ),
  ),
  ROUTES_FILE: Type.Optional(text('YAML file of routes; replaces `API_URI`. Read again on SIGHUP.')),
  BACKEND_HEADERS: Type.Optional(
    text('JSON object of fixed headers for every call to the backend, an API key for example.', { form: 'headers', isSecret: true }),
  ),
  WS_HOSTNAME: Type.Optional(
    text(
      'Prefix of `ws_uri`, verbatim: `ws_uri` is `<WS_HOSTNAME>/<id>`. May carry a scheme and a path; commands are then served under that path too. Default: `localhost:<CONTROL_PORT or PORT>`, with `https://` before it where `TLS_CERT_FILE` is set.',
      { form: 'prefix' },
    ),
  ),
  WS_TIMEOUT: milliseconds(
    'ms without any frame from a client before it is pinged; after a second such span it is closed with 1001. Time in which the gateway itself did not run does not count. 0 turns it off.',
    30_000,
  ),
  MAX_IDLE_MS: milliseconds(
    'ms without a message either way after which a client is closed with 1001, also one that answers pings. 0: never.',
    0,
  ),
  MAX_AGE_MS: milliseconds(
    'ms after which a connection is closed with 1001, spread over the last tenth of that time, so that not all come back at once. 0: never.',
    0,
  ),
  LOG_LEVEL: choice('How much is logged; any case.', 'INFO', ['SILENT', 'FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE']),
  LOG_FORMAT: Type.Optional(
    Type.Enum(['json', 'pretty'], { description: 'How log lines look. Default: `pretty` on a terminal, else `json`.' }),
  ),
  LOG_BUFFER_BYTES: whole(
    'Bytes of log lines that wait for whoever reads the log, per process; beyond it lines are dropped, and counted in the next one.',
    1_048_576,
  ),
  HOST: text('Address that clients connect to, and the control API unless it has its own.', { default: '0.0.0.0' }),
  PORT: whole('Port of the clients, and of the control API unless it has its own. 0 takes a free one.', 8080, { maximum: 65_535 }),
  CONTROL_PORT: Type.Optional(
    Type.Integer({ description: 'Own port of the control API; then the public one serves clients only.', minimum: 0, maximum: 65_535 }),
  ),
  CONTROL_HOST: Type.Optional(text('Address of the control API where it has its own port. Default: `HOST`.')),
  CONTROL_ALLOW: Type.Optional(
    text(
      'CIDRs that may call the control API. Default: loopback and private networks; and until this, `CONTROL_TOKEN` or `CONTROL_PORT` is set, what needs no unguessable id (selections, status, tree, count, metrics, commands to client-chosen ids) is 403 for everybody.',
      { form: 'cidrs' },
    ),
  ),
  CONTROL_ORIGINS: Type.Optional(
    text(
      "Browser origins that may call the control API. A control request with any other `Origin` than these and the gateway's own (of its console) is 403, so that another site's page cannot command. Without `CONTROL_TOKEN`, `Host` must be an address, a name of one label, a name in a domain that nobody can register, or the host of `WS_HOSTNAME` or of one of these.",
      { form: 'origins' },
    ),
  ),
  CONTROL_TOKEN: Type.Optional(
    text(
      'One or more bearer tokens, joined by commas, that may do everything (scope `admin`). As soon as there is a token, of any scope, the control API demands one.',
      { form: 'list', isSecret: true },
    ),
  ),
  CONTROL_PUSH_TOKEN: Type.Optional(
    text('Bearer tokens of scope `push`: commands to clients (push, close, tags, calls, selections), and the description of one.', {
      form: 'list',
      isSecret: true,
    }),
  ),
  CONTROL_READ_TOKEN: Type.Optional(
    text('Bearer tokens of scope `read`: status, tree, count, descriptions, metrics. A token that is in both lists has both scopes.', {
      form: 'list',
      isSecret: true,
    }),
  ),
  CONSOLE_PAYLOADS: choice(
    'What the console and `wsaas tail` show of messages: `off` their size only, `redacted` the form of JSON (its keys, not its values), `plain` up to 1,000 characters as they are.',
    'off',
    ['off', 'redacted', 'plain'],
  ),
  CONSOLE_WATCHERS: whole('Consoles and `wsaas tail`s that may watch at once, per worker; over it 503.', 16, { maximum: 1_000 }),
  CONSOLE_ENDS: whole('Last ends of connections that the console can tell the reason of, per worker.', 10_000, { maximum: 1_000_000 }),
  TRUST_PROXY: Type.Optional(text('CIDRs of proxies whose `X-Forwarded-*` headers are believed.', { form: 'cidrs' })),
  EXTENSIONS: Type.Optional(
    text(
      'JavaScript modules, joined by commas, that are started in every worker after it listens: each exports `start(gateway)` and, if need be, `stop()`. A path is relative to the working directory.',
      { form: 'list' },
    ),
  ),
  NODE_NAME: Type.Optional(text("This node's name in answers, logs and metrics. Default: random.", { pattern: '^[A-Za-z0-9._-]{1,63}$' })),
  WORKERS: text('Processes that share the port; `auto` is one per core.', { default: '1', form: 'workers' }),
  [YOUNG_GENERATION_OPTION]: whole(
    'MB of the young generation of each process (V8’s `--max-semi-space-size`). Larger: fewer collections, each with a longer pause. 0: what Node chooses, up to 48. NODE_OPTIONS wins.',
    YOUNG_GENERATION_MB,
  ),
  CLUSTER_URL: Type.Optional(
    text(
      'Engine that joins this machine with others: `redis://`, `rediss://` or `redis+sentinel://h1:26379,h2:26379/<primary>` (Redis or Valkey), `nats://` or `tls://` (NATS with JetStream). Several, joined by commas: independent Redis that share the load, or servers of one NATS cluster. Default: each machine is on its own.',
      { form: 'engine', isSecret: true },
    ),
  ),
  CLUSTER_CREDENTIALS: Type.Optional(
    text(
      'What logs in to `CLUSTER_URL`, so that the URL need not hold it: `user:password`, or a password (Redis), a token or what a `.creds` file holds (NATS).',
      { isSecret: true },
    ),
  ),
  CLUSTER_NAME: text('Machines of one name on one engine form a cluster.', { default: 'wsaas', pattern: '^[A-Za-z0-9_-]{1,63}$' }),
  CLUSTER_LEASE_MS: milliseconds(
    'ms without a sign of life after which a process of the cluster is taken for dead; it gives one three times as often. The same on all machines.',
    15_000,
    1_000,
  ),
  REQUIRE_BUS: choice(
    '`true`: while the engine of `CLUSTER_URL` cannot be asked, `/readyz` is 503 and new clients are refused with 503.',
    'false',
    ['false', 'true'],
  ),
  BUS_TIMEOUT_MS: milliseconds('ms to wait for another process to answer a command.', 2_000, 1),
  JOURNAL_DIR: Type.Optional(
    text('Directory of the journal of open connections: with it every `close` event survives a crash of the gateway.', {
      form: 'directory',
    }),
  ),
  MAX_MESSAGE_BYTES: whole('Largest message, both ways. A client over it is closed with 1009, a push over it is answered 413.', 262_144, {
    minimum: 1,
    maximum: 2 ** 30,
  }),
  MAX_CONNECTIONS: whole(
    'Clients at once, per worker; over it 503 with `Retry-After`, before the backend is asked. 0: the file limit less a reserve.',
    0,
  ),
  MAX_CONNECTIONS_PER_IP: whole('Clients at once from one address (of IPv6: one /64 network), per worker; over it 429. 0: no limit.', 0),
  MAX_HTTP_SOCKETS: whole(
    'Sockets at once, per worker, that are neither clients nor callers whom the control API let in; over it the one that was quiet for longest is dropped. 0: as many as the file limit leaves beside the clients, at most 32768; an eighth of it, at most 4096, is kept free for them.',
    0,
  ),
  MESSAGES_PER_SECOND: whole(
    'Messages and pings per second of one connection; over it the gateway reads slower, nothing is dropped. 0: no limit.',
    0,
  ),
  BYTES_PER_SECOND: whole(
    'Bytes of messages and pings per second of one connection, as they are after decompression; over it the gateway reads slower, nothing is dropped. 0: no limit.',
    0,
  ),
  HANDSHAKES_PER_SECOND_PER_IP: whole(
    'Upgrade requests per second of one address (of IPv6: one /64 network), per worker; up to ten seconds of them may come at once. Over it 429 with `Retry-After`, before anything else is looked at. 0: no limit.',
    0,
  ),
  INBOX_MESSAGES: whole('Messages read but undelivered, per connection; full, the gateway stops reading that socket.', 64, { minimum: 1 }),
  INBOX_BYTES: whole('Bytes read but undelivered, per connection; full, the gateway stops reading that socket.', 262_144, { minimum: 1 }),
  SEND_BUFFER_BYTES: whole('Unsent bytes per client; over it pushes are answered 429.', 1_048_576, { minimum: 1 }),
  SLOW_CLIENT_TIMEOUT_MS: milliseconds(
    'ms that a client may stay over its send buffer before it is ended (`close` event code 1013).',
    10_000,
    1,
  ),
  OPEN_TIMEOUT_MS: milliseconds('ms for the whole answer to the `open` call.', 10_000, 1),
  BACKEND_TIMEOUT_MS: milliseconds('ms for the whole answer to any other call.', 29_000, 1),
  BACKEND_CONNECTIONS: whole('Sockets to each backend origin.', 128, { minimum: 1, maximum: 65_535 }),
  BACKEND_PIPELINING: whole('Calls on one backend socket whose answers are still out. Over 1, a slow answer delays those behind it.', 1, {
    minimum: 1,
    maximum: 1_000,
  }),
  BACKEND_RETRY_FOR_MS: milliseconds(
    'ms that an undelivered message is held and retried; then its connection is closed with 1011.',
    60_000,
  ),
  CLOSE_RETRY_FOR_MS: milliseconds('ms that a `close` event is retried.', 86_400_000),
  OPEN_CONCURRENCY: whole(
    '`open` calls that run at once per backend; the others wait, so that a storm of clients does not starve messages.',
    64,
    { minimum: 1 },
  ),
  OPEN_QUEUE: whole('Clients that may wait for their `open` call per backend; beyond it 503 with `Retry-After`.', 20_000),
  OPEN_QUEUE_TIMEOUT_MS: milliseconds('ms that a client may wait for its `open` call to start; then 503 with `Retry-After`.', 30_000, 1),
  CLOSE_CONCURRENCY: whole('`close` calls that run at once per backend.', 32, { minimum: 1 }),
  CLOSE_BACKLOG: whole(
    '`close` events that wait in memory per backend; beyond it they stay in the journal until the next start, or are lost where there is none.',
    100_000,
    { minimum: 1 },
  ),
  IDEMPOTENCY_KEYS: whole('`Idempotency-Key`s remembered per connection (five minutes).', 64, { minimum: 1 }),
  FORWARD_HEADERS: text('Headers of the upgrade request that are sent with `open`. `authorization` is sent with every event.', {
    default: 'authorization,cookie,origin,user-agent',
    form: 'header-names',
  }),
  ORIGINS: Type.Optional(
    text(
      'Allowed `Origin`s: exact ones (`https://app.example.com`, `capacitor://localhost`), or every host below a name (`https://*.example.com`, and `*.example.com` for any scheme and port); others, `null` too, get 403 before the backend is asked. A request without `Origin` passes. Default: all.',
      { form: 'origins' },
    ),
  ),
  REFUSE_WITH: choice(
    '`http`: refuse the upgrade. `close`: upgrade, with one of the offered subprotocols, then close with 4000 + the HTTP status, which browsers can read.',
    'http',
    ['http', 'close'],
  ),
  HANDSHAKE_TIMEOUT_MS: milliseconds(
    'ms in which a connection must have done its TLS handshake, and again ms in which it must have sent its whole request, its body too.',
    10_000,
    1,
  ),
  MAX_HEADER_BYTES: whole(
    'Bytes of the request line and all headers of one request; over it 431, or 414 where the URL alone has more.',
    16_384,
    {
      minimum: 1_024,
      maximum: 2 ** 20,
    },
  ),
  TLS_CERT_FILE: Type.Optional(
    text(
      'Certificate in PEM, the intermediate ones behind it: clients and the control API are served by TLS 1.2 and newer (wss, https). Read again within 10 s of a change, and on SIGHUP.',
    ),
  ),
  TLS_KEY_FILE: Type.Optional(text('Private key of `TLS_CERT_FILE` in PEM, without a passphrase.')),
  TLS_CLIENT_CA_FILE: Type.Optional(
    text(
      'Certificates in PEM that vouch for callers of the control API: with it every control request must come with a client certificate. Clients need none; with `CONTROL_PORT` they are not even asked.',
    ),
  ),
  WEBHOOK_SECRETS: Type.Optional(
    text(
      'One or two secrets, joined by a comma, that every event is signed with (Standard Webhooks): `whsec_` and 24 to 64 bytes in base64. Two while one replaces the other.',
      { form: 'webhook-secrets', isSecret: true },
    ),
  ),
  JWT_JWKS_URI: Type.Optional(
    text(
      'URL of the JSON Web Key Set with which clients’ tokens are checked before the backend is asked; without a valid one a client gets 401. The token comes in `Authorization: Bearer`, as a subprotocol `bearer.<token>` beside a real one, or as `access_token` in the query or a cookie.',
      { form: 'key-set-url' },
    ),
  ),
  JWT_ISSUER: Type.Optional(text('`iss` must be one of these, joined by commas. Default: every issuer whose key it is.', { form: 'list' })),
  JWT_AUDIENCE: Type.Optional(
    text('`aud` must hold one of these, joined by commas. Default: all, also a token that was made for another service.', { form: 'list' }),
  ),
  JWT_CLAIM_TAGS: Type.Optional(
    text('Claims that become tags of the connection, joined by commas: `sub,tenant`, or `user=sub` to name the tag otherwise.', {
      form: 'claim-tags',
    }),
  ),
  CLOSE_TIMEOUT_MS: milliseconds('ms that a client has to answer a close frame before its connection is dropped.', 5_000, 1),
  COMPRESSION: choice('`on`: permessage-deflate, with MAX_MESSAGE_BYTES as the cap on the inflated size.', 'off', ['off', 'on']),
  DEBUG_PROFILING: choice(
    '`true`: `POST /debug/profile` and `/debug/heap` of the control API give profiles of the process. They show what it holds, payloads and credentials too.',
    'false',
    ['false', 'true'],
  ),
  DRAIN_DELAY_MS: milliseconds('On SIGTERM: ms of being unready before the goodbyes begin.', 0),
  DRAIN_MS: milliseconds('On SIGTERM: ms over which the goodbyes (1001) are spread.', 10_000),
} satisfies Record<string, TSchema>;

/** Every option: an environment variable with its type, default and meaning; the only definition (docs/configuration.md#options). Those of the dialects come last. */
export function optionsWith(dialects: Dialects): typeof own & Readonly<Record<string, TSchema>> {
  const all: Record<string, TSchema> = Object.assign({}, own, ...Object.values(dialects).map((dialect) => dialect.options));
  return withSecretFiles(all) as typeof own;
}

export const options = optionsWith(DIALECTS);
const ownSchema = Type.Object(own);
export type Settings = Static<typeof ownSchema>;
export type OptionName = keyof typeof own;
