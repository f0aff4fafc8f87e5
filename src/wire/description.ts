import { Type } from 'typebox';
import type { Description } from '../core/commands.ts';

/** A connection as the control API tells of it. */
export function describedAs(description: Description, wsUri: (id: string) => string): object {
  return {
    id: description.id,
    ws_uri: wsUri(description.id),
    path: description.path,
    tags: description.tags,
    connected_at: new Date(description.connectedAt).toISOString(),
    last_active_at: new Date(description.lastActiveAt).toISOString(),
    remote_address: description.remoteAddress,
    subprotocol: description.subprotocol,
    node: description.node,
  };
}

/** The same as a schema, for the OpenAPI document. */
export const descriptionSchema = Type.Object({
  id: Type.String(),
  ws_uri: Type.String(),
  path: Type.String(),
  tags: Type.Record(Type.String(), Type.String()),
  connected_at: Type.String({ format: 'date-time' }),
  last_active_at: Type.String({ format: 'date-time' }),
  remote_address: Type.String(),
  subprotocol: Type.Union([Type.String(), Type.Null()]),
  node: Type.String(),
});
