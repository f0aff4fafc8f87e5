import { deserialize, serialize } from 'node:v8';
import { createIpcBus } from '../../../src/engines/processes/bus.ts';
import { IpcRelay } from '../../../src/engines/processes/relay.ts';
import type { Link } from '../../../src/engines/processes/link.ts';
import { busContract } from '../../contracts/bus.ts';

/** Two ends of a channel that carries what the `advanced` serialization of child processes carries, a turn later. */
function linked(): readonly [Link, Link] {
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

busContract('ipc', {
  processes: 3,
  async create(t, processes) {
    const relay = new IpcRelay({ timeoutMs: 1_000 });
    return Promise.all(
      processes.map(async (handler, index) => {
        const [ours, supervisors] = linked();
        relay.add(`worker-${index}`, supervisors);
        const bus = createIpcBus({ link: ours, owner: handler.owner, timeoutMs: 1_000 });
        t.after(() => bus.close());
        await bus.serve(handler);
        return bus;
      }),
    );
  },
});
