import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Backends } from '../../../src/backends/index.ts';
import { Meter } from '../../../src/core/meter.ts';
import { Timings } from '../../../src/core/timings.ts';
import { systemClock } from '../../../src/core/system-clock.ts';
import { openStream } from '../../../src/engines/streams.ts';
import type { FunctionHost } from '../../../src/wire/functions.ts';
import type { TargetSpec } from '../../../src/wire/targets.ts';
import { functionCall, invoke } from '../../contracts/function-target.ts';
import { sampleLimits } from '../../contracts/samples.ts';
import { SILENT_LOG } from './http-functions.ts';
import { temporaryDirectory } from './module-scene.ts';

/** What a dialect is given that calls functions. */
async function hostOf(
  t: TestContext,
  environment: Readonly<Record<string, string>> = {},
): Promise<{ backends: Backends; host: FunctionHost }> {
  const shared = {
    clock: systemClock,
    log: SILENT_LOG,
    observer: new Meter(),
    timings: new Timings(),
    tracing: null,
    consumer: 'test',
    streams: openStream,
  };
  const backends = new Backends({ ...shared, connections: 4, pipelining: 1, environment });
  t.after(() => backends.close());
  let host: FunctionHost | null = null;
  await backends.serve({
    url: null,
    limits: sampleLimits(),
    speech: {
      type: 'functions',
      serve(given) {
        host = given;
        return Promise.resolve({} as never);
      },
    },
  });
  assert.ok(host !== null);
  return { backends, host };
}

function moduleSpec(file: string): TargetSpec {
  const defaults = { export: 'handler', function: null, timeoutMs: null, memoryMb: null, maxInstances: 1, env: {} };
  return { type: 'module', file, directory: '/', ...defaults };
}

test('equal targets are one, which is called by its file’s name; a reload is heard by all', async (t) => {
  const file = join(await temporaryDirectory(t), 'chat.cjs');
  const write = (version: number): Promise<void> =>
    writeFile(file, `exports.handler = async () => [${version}, process.env.AWS_LAMBDA_FUNCTION_NAME, process.cwd()]`);
  await write(1);
  const { backends, host } = await hostOf(t);
  const target = await host.open(moduleSpec(file));
  assert.equal(await host.open(moduleSpec(file)), target);
  assert.deepEqual(await invoke(target, functionCall()), { type: 'returned', payload: Buffer.from('[1,"chat","/"]') });
  await write(2);
  backends.reload();
  await new Promise(setImmediate); // targets are asked once they are open, which they may not be yet
  assert.deepEqual(await invoke(target, functionCall()), { type: 'returned', payload: Buffer.from('[2,"chat","/"]') });
  assert.deepEqual(backends.targets, [`module:${file}`]);
});

function lambda(more: Partial<Extract<TargetSpec, { type: 'lambda' }>>): TargetSpec {
  return { type: 'lambda', function: 'chat', qualifier: null, region: null, url: null, ...more };
}

test('the region of a function on Lambda is what its target says, its ARN, or the environment; without one it is a mistake', async (t) => {
  const { host } = await hostOf(t);
  await assert.rejects(host.open(lambda({})), /lambda:chat must have a region, here or in AWS_REGION/);
  await host.open(lambda({ region: 'eu-west-1' }));
  await host.open(lambda({ function: 'arn:aws:lambda:eu-west-1:123456789012:function:chat' }));
  await (await hostOf(t, { AWS_REGION: 'eu-west-1' })).host.open(lambda({}));
});
