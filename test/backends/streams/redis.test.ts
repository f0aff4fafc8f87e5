import { suite } from 'node:test';
import { backendContract } from '../../contracts/backend.ts';
import { missing, startEngine } from '../../support/engine-server.ts';
import { redisClient } from '../../support/redis-streams.ts';
import { connectedBackend } from '../../support/stream-backends.ts';

suite('streams over Redis', { skip: missing('redis') }, () => {
  backendContract(
    'redis',
    async (t, behaviour) => {
      const engine = await startEngine(t, 'redis');
      const backend = await connectedBackend(`${engine.url}/0`);
      if (behaviour === 'unavailable') await redisClient(t, engine).config('SET', 'maxmemory', '1'); // it answers OOM
      if (behaviour === 'hangs') engine.freeze();
      return backend;
    },
    { canRefuse: false },
  );
});
