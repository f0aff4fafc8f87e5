import { Type, type Static } from 'typebox';
import { targetSchema } from '../../wire/targets.ts';

/** Milliseconds that AWS lets an integration have; `strict` holds a route to them. */
export const INTEGRATION_TIMEOUT_MS = { minimum: 50, maximum: 29_000 } as const;
/** An authorizer function has AWS's own time. */
export const AUTHORIZER_TIMEOUT_MS = 10_000;

const timeoutMs = (description: string) => Type.Optional(Type.Integer({ minimum: 1, maximum: 900_000, description }));

const throttle = Type.Object(
  {
    rate: Type.Number({ exclusiveMinimum: 0, description: 'Calls per second, in each process.' }),
    burst: Type.Optional(Type.Integer({ minimum: 1, description: 'Calls at once. Default: the rate, at least 1.' })),
  },
  { additionalProperties: false },
);

const routeSchema = Type.Object(
  {
    target: Type.Optional(targetSchema),
    routeResponse: Type.Optional(
      Type.Boolean({
        description: 'The body that the function returns goes back to the client. Default: false. Not of $connect and $disconnect.',
      }),
    ),
    timeoutMs: timeoutMs('For this route’s calls. Default: openTimeoutMs for $connect, else backendTimeoutMs.'),
    throttle: Type.Optional(throttle),
  },
  { additionalProperties: false },
);

const jwtSchema = Type.Object(
  {
    jwksUri: Type.Optional(Type.String({ description: 'Where its keys are. Default: from the issuer’s OpenID configuration.' })),
    issuer: Type.Optional(Type.String({ description: 'The `iss` that a token must have.' })),
    audience: Type.Optional(
      Type.Union([Type.String(), Type.Array(Type.String())], { description: 'The `aud`, one of which a token must have.' }),
    ),
    closeOnExpiry: Type.Optional(Type.Boolean({ description: 'A connection is closed with 4401 when its token expires. Default: true.' })),
  },
  { additionalProperties: false },
);

const authorizerSchema = Type.Object(
  {
    target: Type.Optional(targetSchema),
    identitySource: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'route.request.header.NAME, route.request.querystring.NAME, stageVariables.NAME, context.NAME. target: all must be there, or the client is refused with 401 and nobody asked; default: none. jwt: the token is in the first that is there; default: route.request.header.Authorization.',
      }),
    ),
    timeoutMs: timeoutMs(`For the function’s answer. Default: ${AUTHORIZER_TIMEOUT_MS}.`),
    jwt: Type.Optional(jwtSchema),
  },
  { additionalProperties: false, description: 'Asked before $connect: a function (`target`) or a JSON Web Token (`jwt`).' },
);

const keySchema = Type.Object(
  {
    accessKeyId: Type.String({ minLength: 1 }),
    secretAccessKey: Type.String({ minLength: 1 }),
    sessionToken: Type.Optional(Type.String({ minLength: 1 })),
    operations: Type.Optional(Type.Array(Type.Enum(['POST', 'GET', 'DELETE']), { description: 'What this key may do. Default: all.' })),
  },
  { additionalProperties: false },
);

const sigv4Schema = Type.Object(
  {
    mode: Type.Enum(['off', 'verify', 'bearer'], {
      description:
        '`off`: signatures are ignored and the control API’s own rules hold. `verify`: AWS Signature Version 4. `bearer`: one of `tokens`.',
    }),
    keys: Type.Optional(Type.Array(keySchema, { minItems: 1 })),
    tokens: Type.Optional(Type.Array(Type.String({ minLength: 16 }), { minItems: 1 })),
  },
  { additionalProperties: false, description: 'Who may call @connections.' },
);

/** What a route of dialect `aws` may say beside what every route may. */
export const awsRouteOptions = {
  stage: Type.String({
    pattern: '^([A-Za-z0-9_-]{1,128}|\\$default)$',
    description: 'Dialect aws: name of the stage. Default: the last part of the path; `$default` for `/`.',
  }),
  domainName: Type.String({
    pattern: '^[A-Za-z0-9.-]+(:[0-9]{1,5})?$|^\\[[0-9A-Fa-f:.]+\\](:[0-9]{1,5})?$',
    description:
      'Dialect aws: the host, with a port if need be, that handlers build their callback URL from. Default: that of WS_HOSTNAME.',
  }),
  callbackUrl: Type.String({
    description:
      'Dialect aws: the whole callback URL, told as the extra key callbackUrl. Default: https://<domainName>/<stage>; where domainName is not set, http unless TLS_CERT_FILE is.',
  }),
  apiId: Type.String({
    pattern: '^[A-Za-z0-9]{1,64}$',
    description: 'Dialect aws: the id of the API in events. Default: ten characters that follow from the path.',
  }),
  routeSelectionExpression: Type.String({
    description: 'Dialect aws: which route a message belongs to.',
    default: '$request.body.action',
  }),
  routes: Type.Record(Type.String(), routeSchema, {
    description:
      'Dialect aws: $connect, $disconnect, $default and routes of your own. Default: $connect, $disconnect and $default, to `target`.',
  }),
  target: Type.Object(targetSchema.properties, {
    additionalProperties: false,
    description: 'Dialect aws: what runs the routes that have no target of their own. Default: a webhook at `backend`.',
  }),
  stageVariables: Type.Record(Type.String({ pattern: '^[A-Za-z0-9_]{1,64}$' }), Type.String({ maxLength: 512 }), {
    description: 'Dialect aws: told in every event; `${stageVariables.NAME}` in the URLs of targets.',
  }),
  authorizer: Type.Object(authorizerSchema.properties, {
    additionalProperties: false,
    description: 'Dialect aws: asked before $connect: a function (`target`) or a JSON Web Token (`jwt`).',
  }),
  sigv4: Type.Object(sigv4Schema.properties, {
    additionalProperties: false,
    description: 'Dialect aws: who may call @connections. Default: mode off.',
  }),
  throttle: Type.Object(throttle.properties, {
    additionalProperties: false,
    description:
      'Dialect aws: for each route that has no throttle of its own. Over it: 429 at $connect, a frame "Too Many Requests" for a message. Default: none.',
  }),
  concurrent: Type.Boolean({
    description: 'Dialect aws: messages of one connection are not delivered one after the other. Default: false; true where `strict`.',
  }),
  errorFrameFromStatus: Type.Integer({
    minimum: 400,
    maximum: 600,
    description:
      'Dialect aws: from this status of a function’s result on, the client gets the frame "Internal server error" in place of the body. Default: never.',
  }),
  repeatThrown: Type.Boolean({
    description:
      'Dialect aws: a $disconnect whose function threw is told again, every 30 s until closeRetryForMs is over. Default: false, as it has been told.',
    default: false,
  }),
  strict: Type.Boolean({
    description:
      'Dialect aws: AWS’s own limits and gaps: 131072 bytes, 1003 on binary, 410 during $connect, messages not in order, no ping, closed after 10 minutes of silence and after 2 hours.',
    default: false,
  }),
};

/** What a route of dialect `aws` says, as it is written. */
export type AwsRouteSpec = { readonly [Name in keyof typeof awsRouteOptions]?: Static<(typeof awsRouteOptions)[Name]> };
export type AwsRoute = Static<typeof routeSchema>;
export type AuthorizerSpec = Static<typeof authorizerSchema>;
export type Sigv4Spec = Static<typeof sigv4Schema>;
export type ThrottleSpec = Static<typeof throttle>;

/** Routes that the gateway itself chooses; a client's message never does. */
export const RESERVED_ROUTES = ['$connect', '$disconnect', '$default'] as const;
