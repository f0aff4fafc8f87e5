import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import type { FunctionResult } from '../../../src/wire/functions.ts';
import { functionCall, functionTargetContract, invoke } from '../../contracts/function-target.ts';
import { gone, isAlive, signalTo } from '../../support/signals.ts';
import { HANDLERS, moduleTarget, temporaryDirectory } from './module-scene.ts';

const WORDS = { echoes: 'asynchronous', throws: 'throws', hangs: 'hangs', 'returns much': 'longest' } as const;

functionTargetContract('module', async (t, behaviour) => {
  if (behaviour === 'echoes') return moduleTarget(t, 'styles.cjs', { export: 'asynchronous', maxInstances: 2 }).target;
  const { target } = moduleTarget(t, 'enemies.cjs', { export: 'enemy', maxInstances: 2 });
  await invoke(target, functionCall({ does: 'calm' })); // its start is not what is measured
  const payload = JSON.stringify({ does: WORDS[behaviour] });
  return {
    invoke: (call, receiver, waitUntil) => target.invoke({ ...call, payload }, receiver, waitUntil),
    stop: () => target.stop(),
  };
});

function valueOf(result: FunctionResult): Record<string, unknown> {
  assert.ok(result.type === 'returned', JSON.stringify(result));
  return JSON.parse(result.payload.toString()) as Record<string, unknown>;
}

suite('a handler', () => {
  test('may return, promise, call back or use the context', async (t) => {
    const { target } = moduleTarget(t, 'styles.cjs', { export: 'any', maxInstances: 1 });
    for (const style of ['sync', 'asynchronous', 'done', 'succeed', 'waiting', 'sync', 'callback', 'sync']) {
      const body = style === 'waiting' ? 'hi saved true' : 'hi';
      assert.deepEqual(valueOf(await invoke(target, functionCall({ style, say: 'hi' }))), { statusCode: 200, body }, style);
    }
  });

  for (const [file, name, body] of [
    ['styles', 'deep.er.handler', 'hi'],
    ['module', 'handler', 'hello hi'],
    ['typed', 'handler', 'hi'],
  ] as const)
    test(`may be ${name} of ${file}, whatever that ends with`, async (t) => {
      const { target } = moduleTarget(t, file, { export: name });
      assert.deepEqual(valueOf(await invoke(target, functionCall({ say: 'hi' }))), { statusCode: 200, body });
    });

  test('may be TypeScript as it is written for a bundler', async (t) => {
    const directory = await temporaryDirectory(t);
    const files = {
      'chat.ts': `import { greet } from './lib/greet';
        import { bye } from './lib/bye.js';
        import { all } from './lib';
        enum Color { Red = 'red' }
        export const handler = async ({ say }: { say: string }) => [greet(say), bye, all, Color.Red].join(' ');`,
      'lib/greet.ts': `export const greet = (say: string): string => 'hello ' + say;`,
      'lib/bye.ts': `export const bye: string = 'bye';`,
      'lib/index.ts': `export const all: string = 'all';`,
      'required.cts': `const { greet } = require('./lib/greet'); exports.handler = async () => greet('you') as string;`,
      'lost.ts': `import { nothing } from './lib/nothing'; export const handler = async () => nothing;`,
    };
    await mkdir(join(directory, 'lib'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    const payloads = { 'chat.ts': '"hello you bye all red"', 'required.cts': '"hello you"' };
    for (const [name, payload] of Object.entries(payloads)) {
      const { target, log } = moduleTarget(t, 'x', { file: join(directory, name) });
      assert.deepEqual(await invoke(target, functionCall({ say: 'you' })), { type: 'returned', payload: Buffer.from(payload) });
      assert.deepEqual(log.all, [], 'no warnings');
    }
    const { target } = moduleTarget(t, 'x', { file: join(directory, 'lost.ts') });
    const lost = await invoke(target, functionCall());
    assert.ok(
      lost.type === 'threw' && lost.errorType === 'Runtime.ImportModuleError' && /lib\/nothing/.test(lost.message),
      JSON.stringify(lost),
    );
  });

  test('that fails, says nothing or never ends is as on Lambda', async (t) => {
    const { target } = moduleTarget(t, 'styles.cjs', { export: 'any', maxInstances: 1 });
    for (const [style, expected] of [
      ['fail', { type: 'threw', errorType: 'TypeError', message: 'by fail' }],
      ['failedCallback', { type: 'threw', errorType: 'string', message: 'Unauthorized' }],
      [
        'neverSettled',
        { type: 'threw', errorType: 'Runtime.NodeJsExit', message: 'the handler ended with a promise that nothing settles' },
      ],
      ['silent', { type: 'returned', payload: Buffer.from('null') }],
      ['nothing', { type: 'returned', payload: Buffer.from('null') }],
      ['silent', { type: 'returned', payload: Buffer.from('null') }],
    ] as const)
      assert.deepEqual(await invoke(target, functionCall({ style })), expected, style);
  });

  test("has Lambda's context", async (t) => {
    const { target } = moduleTarget(t, 'styles.cjs', { export: 'context', timeoutMs: 5_000, env: { AWS_REGION: 'eu-west-1' } });
    const { remaining, ...rest } = valueOf(await invoke(target, functionCall({}, { requestId: 'R1knPc2ntjMCFIA=' })));
    assert.ok(Number(remaining) > 4_000 && Number(remaining) <= 5_000, String(remaining));
    assert.deepEqual(rest, {
      awsRequestId: 'R1knPc2ntjMCFIA=',
      functionName: 'chat',
      functionVersion: '$LATEST',
      invokedFunctionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:chat',
      memoryLimitInMB: '512',
      logGroupName: '/aws/lambda/chat',
      waits: true,
    });
  });

  test('has an environment of its own, without what is the gateway’s', async (t) => {
    const { target } = moduleTarget(t, 'styles.cjs', {
      export: 'environment',
      env: { TABLE: 'chat', TZ: 'Asia/Tokyo', AWS_LAMBDA_FUNCTION_NAME: 'mine' },
      inherited: {
        PATH: process.env['PATH'],
        HOME: '/home/me',
        AWS_PROFILE: 'dev',
        AWS_ENDPOINT_URL_DYNAMODB: 'http://localhost:8000',
        CONTROL_TOKEN: 'secret',
        CLUSTER_URL: 'redis://:secret@host',
        NODE_OPTIONS: '--inspect',
        GONE: undefined,
      },
    });
    const seen = valueOf(await invoke(target, functionCall()));
    assert.deepEqual(
      ['TABLE', 'TZ', 'HOME', 'AWS_PROFILE', 'AWS_ENDPOINT_URL_DYNAMODB', 'AWS_REGION', 'LAMBDA_TASK_ROOT', 'cwd'].map(
        (name) => seen[name],
      ),
      ['chat', 'Asia/Tokyo', '/home/me', 'dev', 'http://localhost:8000', 'us-east-1', HANDLERS, HANDLERS],
    );
    assert.equal(seen['AWS_LAMBDA_FUNCTION_NAME'], 'chat');
    assert.deepEqual(
      Object.keys(seen).filter((name) => /TOKEN|CLUSTER|OPTIONS|GONE/.test(name)),
      [],
    );
  });

  test('that cannot be loaded says why, at once to all, and costs one start a while', async (t) => {
    for (const [file, name, errorType, message] of [
      ['broken-import.cjs', 'handler', 'Runtime.ImportModuleError', /a-package-that-is-not-there/],
      ['broken-load.cjs', 'handler', 'TypeError', /this module cannot be loaded/],
      ['exits-at-load.cjs', 'handler', 'Runtime.ExitError', /exit status 7/],
      ['not-there', 'handler', 'Runtime.ImportModuleError', /Cannot find module '.*not-there'/],
      ['styles.cjs', 'missing', 'Runtime.HandlerNotFound', /missing is undefined or not exported/],
      ['styles.cjs', 'deep', 'Runtime.HandlerNotFound', /deep is not a function/],
    ] as const) {
      const { target, log } = moduleTarget(t, file, { export: name, maxInstances: 1 });
      for (const result of await Promise.all([1, 2, 3].map(() => invoke(target, functionCall())))) {
        assert.ok(result.type === 'threw', JSON.stringify(result));
        assert.equal(result.errorType, errorType, file);
        assert.match(result.message, message);
      }
      assert.equal(log.all.filter(({ message }) => message === 'a function cannot be loaded').length, 1);
      assert.equal((await invoke(target, functionCall())).type, 'threw', 'at once, in the pause');
      assert.equal(log.all.filter(({ message }) => message === 'a function cannot be loaded').length, 1);
      await target.stop();
    }
  });

  test('whose process cannot be started says why', async (t) => {
    for (const [options, because] of [
      [{ directory: '/not/there' }, /in \/not\/there: .*ENOENT/],
      [{ env: { ODD: '\0' } }, /null bytes/],
    ] as const) {
      const { target } = moduleTarget(t, 'styles.cjs', { export: 'sync', ...options });
      const result = await invoke(target, functionCall());
      assert.ok(result.type === 'failure' && !result.wasSent && because.test(result.detail), JSON.stringify(result));
    }
  });

  test('for which there are no file descriptors left waits for better times, and harms nobody', async () => {
    const script = join(import.meta.dirname, 'no-descriptors.ts');
    const { stdout } = await promisify(execFile)('sh', ['-c', `ulimit -n 64; exec "${process.execPath}" "${script}"`]);
    assert.equal(stdout, 'failure unreachable false\nreturned\n');
  });

  test('that is mended is loaded again, after a pause or by a reload', async (t) => {
    const file = join(await temporaryDirectory(t), 'chat.cjs');
    const write = (code: string): Promise<void> => writeFile(file, `exports.handler = async () => ${code}`);
    await write('{');
    const { target } = moduleTarget(t, 'x', { file, maxInstances: 1 });
    const broken = await invoke(target, functionCall());
    assert.ok(broken.type === 'threw' && broken.errorType === 'Runtime.UserCodeSyntaxError', JSON.stringify(broken));
    await write('({ version: 1 })');
    target.reload();
    assert.deepEqual(valueOf(await invoke(target, functionCall())), { version: 1 });
    await write('({ version: 2 })');
    assert.deepEqual(valueOf(await invoke(target, functionCall())), { version: 1 }, 'until it is told');
    target.reload();
    assert.deepEqual(valueOf(await invoke(target, functionCall())), { version: 2 });
  });

  test('that runs while it is reloaded ends as it began; the next call has the new code', async (t) => {
    const file = join(await temporaryDirectory(t), 'chat.cjs');
    const write = (version: number, code: string): Promise<void> =>
      writeFile(file, `exports.handler = async () => { ${code}; return { version: ${version} }; }`);
    await write(1, `console.log('begun'); await new Promise((resolve) => setTimeout(resolve, 300))`);
    const { target, log } = moduleTarget(t, 'x', { file, maxInstances: 2 });
    const before = invoke(target, functionCall());
    await log.first(({ facts }) => facts['text'] === 'begun');
    await write(2, '');
    target.reload();
    const after = invoke(target, functionCall());
    assert.deepEqual([valueOf(await before), valueOf(await after)], [{ version: 1 }, { version: 2 }]);
  });
});

suite('instances', () => {
  test('run one call each, are used again, and are no more than allowed', async (t) => {
    const { target } = moduleTarget(t, 'styles.cjs', { export: 'count', maxInstances: 2 });
    const seen = (await Promise.all(Array.from({ length: 20 }, () => invoke(target, functionCall())))).map(valueOf);
    const pids = new Set(seen.map(({ pid }) => pid));
    assert.ok(pids.size <= 2, `${pids.size} processes`);
    const highest = [...pids].map((pid) => Math.max(...seen.filter((one) => one['pid'] === pid).map(({ count }) => Number(count))));
    assert.equal(
      highest.reduce((sum, count) => sum + count, 0),
      20,
      'each call was counted by the process that ran it',
    );
  });

  test('that nobody needs end', async (t) => {
    const { target } = moduleTarget(t, 'styles.cjs', { export: 'count', idleMs: 50, maxInstances: 1 });
    const first = valueOf(await invoke(target, functionCall()));
    await gone([Number(first['pid'])]);
    const second = valueOf(await invoke(target, functionCall()));
    assert.notEqual(second['pid'], first['pid']);
  });

  test('are there when calls come, which wait in order; too many are not taken', async (t) => {
    const { target } = moduleTarget(t, 'enemies.cjs', { export: 'enemy', maxInstances: 1, maxWaiting: 2 });
    await invoke(target, functionCall({ does: 'calm' }));
    const hanging = Array.from({ length: 3 }, () => invoke(target, functionCall({ does: 'hangs' }, { timeoutMs: 400 })));
    const refused = await invoke(target, functionCall({ does: 'calm' }));
    assert.ok(refused.type === 'failure' && refused.reason === 'unreachable' && !refused.wasSent);
    assert.match(refused.detail, /2 calls wait/);
    const results = await Promise.all(hanging);
    assert.deepEqual(
      results.map((result) => (result.type === 'failure' ? [result.reason, result.wasSent] : result.type)),
      [
        ['timeout', true],
        ['timeout', false],
        ['timeout', false],
      ],
    );
  });

  test('leave it to the gateway when they end: a signal to all processes ends none', async (t) => {
    const { target } = moduleTarget(t, 'styles.cjs', { export: 'count', maxInstances: 1 });
    const { pid } = valueOf(await invoke(target, functionCall()));
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) signalTo(Number(pid), signal);
    assert.deepEqual(valueOf(await invoke(target, functionCall())), { count: 2, pid });
  });

  test('are gone after stop', async (t) => {
    const { target } = moduleTarget(t, 'styles.cjs', { export: 'count' });
    const { pid } = valueOf(await invoke(target, functionCall()));
    await target.stop();
    assert.equal(isAlive(Number(pid)), false);
  });
});
