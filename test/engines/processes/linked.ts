import { deserialize, serialize } from 'node:v8';
import type { Link } from '../../../src/engines/processes/link.ts';

/** Two ends of a channel that carries what the `advanced` serialization of child processes carries, a turn later. */
export function linked(): readonly [Link, Link] {
  const handlers: ((message: object) => void)[][] = [[], []];
  const end = (own: number): Link => ({
    send(message, written) {
      const bytes = serialize(message);
      setImmediate(() => {
        for (const handle of handlers[1 - own] ?? []) handle(deserialize(bytes) as object);
        written?.();
      });
    },
    onMessage: (handler) => void handlers[own]?.push(handler),
  });
  return [end(0), end(1)];
}
