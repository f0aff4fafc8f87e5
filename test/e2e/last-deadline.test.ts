import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { startGateway } from '../support/gateway.ts';
import { enter, isEvent } from '../support/guests.ts';

/** A call of the file system that does not end, as a hung disk makes them: a named pipe that nobody writes to. */
async function hungFile(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hung-'));
  const path = join(folder, 'pipe');
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  t.after(async () => {
    await (await open(path, 'r+')).close(); // whoever still waits goes on
    await rm(folder, { recursive: true });
  });
  return path;
}

for (const workers of ['1', '2']) {
  test(`a disk that hangs does not keep the program from ending; processes that serve: ${workers}`, async (t) => {
    const backend = await startBackend(t);
    const hang = `import { open } from 'node:fs'; open(${JSON.stringify(await hungFile(t))}, 'r', () => {});`;
    const gateway = await startGateway(t, { API_URI: backend.url, WORKERS: workers }, [
      '--import',
      `data:text/javascript,${encodeURIComponent(hang)}`,
    ]);
    const guest = await enter(t, { backend, gateway });
    gateway.process.kill('SIGTERM');
    assert.equal((await guest.ended).code, 1001);
    await backend.calls.first(isEvent('close', guest.id));
    await gateway.exited;
  });
}
