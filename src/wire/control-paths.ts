import { addressOf } from '../core/address.ts';

/** One path segment, so that commands can be routed before any route has it: a file that is read again may bring it. */
export const CONTROL_PATH_PATTERN = '^/[A-Za-z0-9._~-]{1,64}$';
/** Before the paths of commands to clients of a route with a control path (docs/routes.md#client-chosen-ids). */
export const CONTROL_PATH_PREFIX = '/:controlPath';

/** Methods of commands on one connection's path. */
export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** Path parameters of a command, decoded. */
export type UnderControlPath = { readonly controlPath?: string };

/** The namespace of ids that a command's path names; empty for a command directly under WS_HOSTNAME. */
export function namespaceOf({ controlPath }: UnderControlPath): string {
  return controlPath === undefined ? '' : `/${controlPath}`;
}

/** Whom a command is for, as the gateway calls it. */
export function addressIn(params: UnderControlPath, id: string): string {
  return addressOf(namespaceOf(params), id);
}
