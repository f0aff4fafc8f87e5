import { Type, type TObject } from 'typebox';
import { ERRORS, type ErrorCode } from './errors.ts';

/** Headers of answers, for the OpenAPI document. */
export const RETRY_AFTER = {
  'Retry-After': { type: 'integer', minimum: 1, description: 'Seconds after which another try makes sense.', examples: [1] },
};
export const INCOMPLETE = {
  'WS-Incomplete': {
    type: 'string',
    description: 'Only where somebody did not answer in time: the names of those whose connections the answer lacks.',
  },
};
export const ACCEPT_ENCODING = {
  'Accept-Encoding': { type: 'string', description: '`identity`: bodies come as they are.', examples: ['identity'] },
};
const CHALLENGE = { 'WWW-Authenticate': { type: 'string', description: 'What is wanted: `Bearer`.', examples: ['Bearer'] } };

type Headers = Readonly<Record<string, object>>;

/** An answer in our error form, for the OpenAPI document. The description begins with the code; so does its example. */
export function errorSchema(description: string, headers: Headers = {}): TObject {
  const code = /^[A-Z_]+(?=: )/.exec(description)?.[0] ?? '';
  if (!isCode(code))
    throw new Error(`the description of an error must begin with a code of wire/errors.ts and a colon, came "${description}"`);
  return Type.Object(
    {
      code: Type.String({ description: 'For programs; docs/errors.md lists all.' }),
      message: Type.String({ description: 'For people: what was wanted, what came, what to do.' }),
    },
    { title: 'GatewayError', description, headers, examples: [{ code, message: ERRORS[code].meaning }] },
  );
}

function isCode(text: string): text is ErrorCode {
  return text in ERRORS;
}

/** A body in words. */
export const textAnswer = (description: string, example: string, headers: Headers = {}) => ({
  description,
  headers,
  content: { 'text/plain': { schema: Type.String({ examples: [example] }) } },
});

/** What any request to the control API may be answered. */
export const ACCESS_ERRORS = {
  400: errorSchema('BAD_REQUEST: what was wanted, and what came.'),
  401: errorSchema(
    'UNAUTHORIZED: a token is demanded (CONTROL_TOKEN, CONTROL_PUSH_TOKEN, CONTROL_READ_TOKEN) and no valid one came.',
    CHALLENGE,
  ),
  403: errorSchema(
    'FORBIDDEN: the caller is not in CONTROL_ALLOW, came through a proxy that is not in TRUST_PROXY, is a page that is not in CONTROL_ORIGINS, used a Host that could be a stranger’s, came without the client certificate that TLS_CLIENT_CA_FILE demands, or with a token of another scope; or the control API is not opened for this.',
  ),
};

/** What any command on one connection may be answered besides. */
export const COMMAND_ERRORS = {
  ...ACCESS_ERRORS,
  404: errorSchema('NOT_FOUND: no connection has this id (any more); nothing was sent.'),
  503: errorSchema('UNAVAILABLE: the process that owns the connection cannot be asked now; see Retry-After.', RETRY_AFTER),
  504: errorSchema('GATEWAY_TIMEOUT: the process that owns the connection did not answer in time.'),
};

/** What a request with a body may be answered besides. */
export const BODY_ERRORS = {
  413: errorSchema('MESSAGE_TOO_LONG: over MAX_MESSAGE_BYTES; nothing was sent.'),
  415: errorSchema('UNSUPPORTED_MEDIA_TYPE: the body has a Content-Encoding; nothing was sent.', ACCEPT_ENCODING),
};

/** The body of a push, which Fastify leaves as it came: `requestBody` of a route's schema, which only the document's generator reads. */
export const messageBody = {
  description: 'One message, as it is: binary for `application/octet-stream`; a body of any other type is text, which must be UTF-8.',
  content: {
    'text/plain': { schema: { type: 'string' }, example: 'hello' },
    'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
  },
};
