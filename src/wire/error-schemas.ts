import { Type } from 'typebox';

/** An answer in our error form, for the OpenAPI document. */
export const errorSchema = (description: string) => Type.Object({ code: Type.String(), message: Type.String() }, { description });

/** What any request to the control API may be answered. */
export const ACCESS_ERRORS = {
  400: errorSchema('BAD_REQUEST: what was wanted, and what came.'),
  401: errorSchema('UNAUTHORIZED: CONTROL_TOKEN is set and no valid bearer token came.'),
  403: errorSchema('FORBIDDEN: the caller is not in CONTROL_ALLOW, or came through a proxy that is not in TRUST_PROXY.'),
};

/** What any command on one connection may be answered besides. */
export const COMMAND_ERRORS = {
  ...ACCESS_ERRORS,
  404: errorSchema('NOT_FOUND: no connection has this id (any more); nothing was sent.'),
  503: errorSchema('UNAVAILABLE: the process that owns the connection cannot be asked now; see Retry-After.'),
};
