import { createIpcBus } from '../../../src/engines/processes/bus.ts';
import { IpcRelay } from '../../../src/engines/processes/relay.ts';
import { busContract } from '../../contracts/bus.ts';
import { linked } from './linked.ts';

busContract('ipc', {
  processes: 3,
  async create(t, processes) {
    const relay = new IpcRelay();
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
