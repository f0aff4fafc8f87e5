import { Type } from 'typebox';
import type { Description } from '../core/commands.ts';

/** A connection as the control API tells of it. */
export function describedAs(description: Description, wsUri: (id: string, controlPath: string) => string): object {
  return {
    id: description.id,
    ws_uri: wsUri(description.id, description.namespace),
    path: description.path,
    tags: description.tags,
    connected_at: new Date(description.connectedAt).toISOString(),
    last_active_at: new Date(description.lastActiveAt).toISOString(),
    remote_address: description.remoteAddress,
    subprotocol: description.subprotocol,
    node: description.node,
  };
}

/** One as an example. */
export const DESCRIBED = {
  id: '5ZZ67aPd18ceCkFuaAowW46QFZU9Do',
  ws_uri: 'localhost:8080/5ZZ67aPd18ceCkFuaAowW46QFZU9Do',
  path: '/chat',
  tags: { room: '1' },
  connected_at: '2026-11-25T10:00:00.000Z',
  last_active_at: '2026-11-25T10:00:05.000Z',
  remote_address: '203.0.113.7',
  subprotocol: null,
  node: 'gateway-1',
};

/** The same as a schema, for the OpenAPI document. */
export const descriptionSchema = Type.Object(
  {
    id: Type.String(),
    ws_uri: Type.String({ description: 'Where to push to this client and where to close it.' }),
    path: Type.String({ description: 'As the client sent it.' }),
    tags: Type.Record(Type.String(), Type.String()),
    connected_at: Type.String({ format: 'date-time' }),
    last_active_at: Type.String({ format: 'date-time' }),
    remote_address: Type.String(),
    subprotocol: Type.Union([Type.String(), Type.Null()]),
    node: Type.String({ description: 'NODE_NAME of the gateway that holds it.' }),
  },
  {
    title: 'Connection',
    description: 'A connection, as it is now.',
    examples: [DESCRIBED],
  },
);
