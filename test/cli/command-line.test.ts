import assert from 'node:assert/strict';
import { fork, spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { readArguments } from '../../src/cli/arguments.ts';
import { journalProblemOf } from '../../src/cli/start-problem.ts';
import { ConfigError, loadConfig } from '../../src/config/load.ts';
import { options } from '../../src/config/options.ts';
import { tryJournal } from '../../src/engines/local/journal-trial.ts';
import { AROUND, MAIN } from '../support/gateway.ts';
import { run } from '../support/run.ts';

const API_URI = 'http://127.0.0.1:9/ws';
const { version, engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
  engines: { node: string };
};

suite('the command line', { concurrency: 2 }, () => {
  test('--help and -h name every flag and every variable, without a configuration', async () => {
    for (const flag of ['--help', '-h']) {
      const { code, out, errors } = await run({ PORT: 'bad' }, [flag]);
      assert.deepEqual([code, errors], [0, '']);
      for (const name of ['--version', '--check-config', ...Object.keys(options)]) assert.ok(out.includes(name), name);
      assert.ok(out.split('\n').every((line) => line.length <= 120));
    }
  });

  test('whoever reads --help may leave in the middle', () => {
    const { status, stderr } = spawnSync('sh', ['-c', `"${process.execPath}" "${MAIN}" --help | :`], { encoding: 'utf8', timeout: 20_000 });
    assert.deepEqual([status, stderr], [0, '']);
  });

  test('--version prints the version', async () => {
    assert.deepEqual(await run({}, ['--version']), { code: 0, out: `${version}\n`, errors: '' });
  });

  test('an unknown flag, command or stray argument ends the start with 64, and is named', async () => {
    for (const [argv, named, hint] of [
      [['--chek-config'], '--chek-config', 'Did you mean --check-config?'],
      [['-v'], '-v', 'wsaas --help'],
      [['serv'], 'serv', 'wsaas --help'],
      [['--check-config', 'stray'], 'stray', 'wsaas --help'],
      [['--check-config=yes'], '--check-config=yes', 'Did you mean --check-config?'],
      [['--help', '--nope'], '--nope', 'wsaas --help'],
      [['--'], '--', 'wsaas --help'],
      [[''], '""', 'wsaas --help'],
    ] as const) {
      const action = readArguments(argv);
      assert.ok(typeof action === 'object' && 'problem' in action, named);
      assert.ok(action.problem.includes(named) && action.problem.includes(hint), action.problem);
      assert.doesNotMatch(action.problem, /\n/);
    }
    const { code, out, errors } = await run({ API_URI, PORT: '0' }, ['--chek-config']);
    assert.deepEqual([code, out], [64, '']);
    assert.match(errors, /^[^\n]*Did you mean --check-config\?[^\n]*\n$/);
  });

  test('on a Node that is too old it says so before anything else can fail', () => {
    const old = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', old, MAIN], { encoding: 'utf8', timeout: 20_000 });
    assert.deepEqual([status, stdout], [69, '']);
    assert.match(stderr, new RegExp(`^wsaas needs Node ${engines.node}, this is Node 20\\.20\\.2 [^\\n]*\\n$`));
  });

  test('what main.ts loads before it looks at Node uses nothing but Node itself', () => {
    const loaded = [
      'main.js',
      'cli/early-signals.js',
      'cli/exit-codes.js',
      'cli/node-version.js',
      'cli/young-generation.js',
      'config/young-generation.js',
    ];
    const imports = loaded.flatMap((file) => {
      const text = readFileSync(join(MAIN, '..', file), 'utf8');
      return [...text.matchAll(/^import .* from '(.*)'/gm)].map(([, target]) => target);
    });
    assert.deepEqual(imports.map(String).toSorted(), [
      '../config/young-generation.js',
      './cli/early-signals.js',
      './cli/exit-codes.js',
      './cli/node-version.js',
      './cli/young-generation.js',
      'node:fs',
      'node:fs',
      'node:util',
      'node:v8',
    ]);
  });
});

/** Flags of Node that the program came to run with, and its pid beside that of the process that was started. */
async function flagsOf(env: Record<string, string>, flags: readonly string[] = [], cwd = '/') {
  const telling = `data:text/javascript,process.on('exit',()=>console.error(process.pid,...process.execArgv.filter((flag)=>/^--.*semi/.test(flag))))`;
  const child = spawn(process.execPath, ['--import', telling, ...flags, MAIN, '--version'], {
    cwd,
    env: { ...AROUND, ...env },
  });
  let told = '';
  child.stderr.on('data', (chunk) => (told += String(chunk)));
  assert.deepEqual(await once(child, 'close'), [0, null]);
  const [pid, ...rest] = told.trim().split(' ');
  assert.equal(pid, String(child.pid));
  return rest;
}

suite('the young generation', { concurrency: 3 }, () => {
  test('is 8 MB, or what YOUNG_GENERATION_MB says, in the process that was started', async () => {
    assert.deepEqual(await flagsOf({}), ['--max-semi-space-size=8']);
    assert.deepEqual(await flagsOf({ YOUNG_GENERATION_MB: ' 32\n' }), ['--max-semi-space-size=32']);
    assert.deepEqual(await flagsOf({ YOUNG_GENERATION_MB: '' }), ['--max-semi-space-size=8']);
  });

  test('of a .env file counts, below the environment', async (t) => {
    const cwd = mkdtempSync(join(tmpdir(), 'wsaas-young-'));
    t.after(() => rmSync(cwd, { recursive: true, force: true }));
    writeFileSync(join(cwd, '.env'), 'YOUNG_GENERATION_MB=16\n');
    assert.deepEqual(await flagsOf({}, [], cwd), ['--max-semi-space-size=16']);
    assert.deepEqual(await flagsOf({ YOUNG_GENERATION_MB: '4' }, [], cwd), ['--max-semi-space-size=4']);
  });

  test('is left alone in a process that would lose its channel to its parent', async () => {
    const telling = `data:text/javascript,process.on('exit',()=>process.send(process.execArgv.length))`;
    const child = fork(MAIN, ['--version'], {
      cwd: '/',
      env: {},
      execArgv: ['--import', telling],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    assert.deepEqual(await once(child, 'message'), [2, undefined]);
  });

  test('is left alone by 0, by a mistake, and where Node was told already', async () => {
    assert.deepEqual(await flagsOf({ YOUNG_GENERATION_MB: '0' }), []);
    assert.deepEqual(await flagsOf({ YOUNG_GENERATION_MB: 'much' }), []);
    assert.deepEqual(await flagsOf({ NODE_OPTIONS: '--max-semi-space-size=24' }), []);
    assert.deepEqual(await flagsOf({}, ['--max_semi_space_size=12']), ['--max_semi_space_size=12']);
  });
});

/** The start failed because of its user: one sentence that says what to do, no stack. */
async function oneSentence(env: Record<string, string>, code: number, sentence: RegExp): Promise<void> {
  const ended = await run({ API_URI, HOST: '127.0.0.1', PORT: '0', ...env });
  assert.equal(ended.code, code, ended.out + ended.errors);
  assert.match(ended.errors, sentence);
  assert.equal(ended.errors.trimEnd().split('\n').length, 1, ended.errors);
  assert.doesNotMatch(ended.out, /fatal|stack|"level":[56]0/);
}

async function takenPort(t: TestContext): Promise<string> {
  const holder = createServer().listen(0, '127.0.0.1');
  t.after(() => holder.close());
  await once(holder, 'listening');
  return String((holder.address() as AddressInfo).port);
}

/** Runs Node as a user who owns nothing. */
function asNobody(argv: readonly string[], env: Record<string, string>): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, argv, {
    cwd: '/',
    env: { ...AROUND, ...env },
    uid: 65_534,
    encoding: 'utf8',
    timeout: 60_000,
  });
}

/** What a start would say of it: as it reads the configuration, or as it tries a journal there. */
async function journalProblem(directory: string): Promise<string> {
  try {
    loadConfig({ API_URI, JOURNAL_DIR: directory });
    await tryJournal(directory);
    return 'none';
  } catch (error) {
    return error instanceof ConfigError ? error.message : (journalProblemOf(directory, error)?.message ?? String(error));
  }
}

suite('a start that its user must mend', { concurrency: 2 }, () => {
  for (const WORKERS of ['1', '2']) {
    test(`a port that another program has, ${WORKERS} process(es)`, async (t) => {
      const port = await takenPort(t);
      const sentence = new RegExp(`^EADDRINUSE: another program listens on 127\\.0\\.0\\.1:${port} already`);
      await oneSentence({ WORKERS, PORT: port }, 69, sentence);
      await oneSentence({ WORKERS, CONTROL_PORT: port }, 69, sentence);
    });

    test(`a HOST that is no address of this machine, or no address at all, ${WORKERS} process(es)`, async () => {
      await oneSentence({ WORKERS, HOST: '192.0.2.1' }, 78, /^EADDRNOTAVAIL: .*192\.0\.2\.1.*HOST/);
      await oneSentence({ WORKERS, HOST: 'no-such-host.invalid' }, 78, /^(ENOTFOUND|EAI_AGAIN): HOST .*no-such-host\.invalid/);
    });
  }

  for (const WORKERS of ['1', '2'])
    test(`two gateways do not share a port, ${WORKERS} process(es)`, async (t) => {
      const first = spawn(process.execPath, [MAIN], {
        cwd: '/',
        env: { ...AROUND, API_URI, HOST: '127.0.0.1', PORT: '0', WORKERS, DRAIN_MS: '0' },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const ended = once(first, 'exit');
      t.after(async () => {
        first.kill('SIGTERM');
        await ended;
      });
      const [line] = (await once(first.stdout, 'data')) as [Buffer];
      const port = /"publicUrl":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(String(line))?.[1] ?? '';
      await oneSentence({ WORKERS: '1', PORT: port }, 69, /^EADDRINUSE/);
      await oneSentence({ WORKERS: '2', PORT: port }, 69, /^EADDRINUSE/);
    });

  test('a JOURNAL_DIR that no journal can use, whatever the reason', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'journal-dir-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'file');
    writeFileSync(file, '');
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'));
    symlinkSync('loop', join(folder, 'loop'));
    const impossible = ['/proc/x', '/proc/self/x/y', '/sys/x', '/dev/null', file, join(file, 'below'), join(folder, 'x'.repeat(300))];
    for (const directory of [...impossible, join(folder, 'dangling'), join(folder, 'dangling', 'below'), join(folder, 'loop', 'x')]) {
      assert.match(await journalProblem(directory), /JOURNAL_DIR: must be a directory/, directory);
    }
    for (const WORKERS of ['1', '2']) {
      const { code, errors } = await run({ API_URI, PORT: '0', WORKERS, JOURNAL_DIR: '/proc/x' });
      assert.equal(code, 78, errors);
      assert.match(errors, /JOURNAL_DIR: must be a directory/);
      assert.doesNotMatch(errors, /^ +at /m);
    }
    assert.equal(existsSync(join(folder, 'nowhere')), false);
  });

  test('a JOURNAL_DIR that this user may not write to', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root can become another user');
    const folder = mkdtempSync(join(tmpdir(), 'journal-dir-'));
    t.after(() => rmSync(folder, { recursive: true }));
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'mine'), { mode: 0o700 });
    const { status, stderr } = asNobody([MAIN], { API_URI, PORT: '0', JOURNAL_DIR: folder });
    if (/Cannot find module|EACCES: permission denied, (open|lstat)/.test(stderr)) return t.skip('that user cannot read this folder');
    assert.equal(status, 78, stderr);
    assert.match(stderr, /JOURNAL_DIR: must be a directory that this process may write to \(EACCES/);
    const trial = `const { tryJournal } = await import(${JSON.stringify(new URL('../../dist/engines/local/journal-trial.js', import.meta.url))});
      for (const name of ['mine', 'new']) await tryJournal(${JSON.stringify(folder)} + '/' + name).catch(({ code }) => console.log(code));`;
    assert.equal(asNobody(['--input-type=module', '-e', trial], {}).stdout, 'EACCES\nEACCES\n');
    return undefined;
  });
});

test('mistakes of the environment and of the routes file are told together', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mistakes-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'routes.yaml');
  writeFileSync(file, 'routes:\n  - { path: /a, backend: "http:/host", replyy: true }\n');
  const { code, errors } = await run({ ROUTES_FILE: file, PORT: 'many', WS_TIMOUT: '5' }, ['--check-config']);
  assert.equal(code, 78);
  for (const part of ['PORT: ', 'did you mean WS_TIMEOUT', 'routes.0.backend: ', 'routes.0.replyy: '])
    assert.ok(errors.includes(part), errors);
});
