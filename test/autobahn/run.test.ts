import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const RUN = fileURLToPath(new URL('run.ts', import.meta.url));
const OK = { behavior: 'OK', behaviorClose: 'OK' };
const CASES = {
  '1.1.1': OK,
  '7.1.6': { behavior: 'INFORMATIONAL', behaviorClose: 'INFORMATIONAL' },
  '6.4.1': { ...OK, behavior: 'NON-STRICT' },
};

/** The script, where `wstest` is a program that writes this report and looks at what it was given; null: there is none. */
async function runWith(
  t: TestContext,
  report: object | null,
  { argv = [], ci = false }: { readonly argv?: readonly string[]; readonly ci?: boolean } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'fake-wstest-'));
  t.after(() => rm(folder, { recursive: true }));
  const text = JSON.stringify(report === null ? {} : { wsaas: report });
  const program = `#!${process.execPath}
    const fs = require('node:fs');
    const spec = JSON.parse(fs.readFileSync(process.argv[process.argv.indexOf('--spec') + 1], 'utf8'));
    console.log('asked for', spec.cases.join(), 'at', spec.servers[0].url.replace(/\\d+$/, 'port'));
    fs.mkdirSync(spec.outdir);
    fs.writeFileSync(spec.outdir + '/index.json', ${JSON.stringify(text)});`;
  if (report !== null) await writeFile(join(folder, 'wstest'), program, { mode: 0o755 });
  const child = spawn(process.execPath, [RUN, ...argv], {
    env: { PATH: report === null ? folder : `${folder}:${dirname(process.execPath)}`, ...(ci && { CI: 'true' }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (chunk) => (said += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

test('a run of Autobahn in which all cases pass ends with 0 and tells how many', async (t) => {
  const { code, said } = await runWith(t, CASES, { argv: ['--cases', '1.*,6.*'] });
  assert.equal(code, 0, said);
  assert.match(said, /asked for 1\.\*,6\.\* at ws:\/\/127\.0\.0\.1:port/);
  assert.match(said, /^OK: 1$/m);
  assert.match(said, /^NON-STRICT: 1 \(6\.4\.1\)$/m);
});

test('a failed case, a failed close and an extension that is missing end the run with 1 and are named', async (t) => {
  const failed = {
    '2.10': { ...OK, behavior: 'FAILED' },
    '7.9.1': { ...OK, behaviorClose: 'WRONG CODE' },
    '12.1.1': { ...OK, behavior: 'UNIMPLEMENTED' },
  };
  const { code, said } = await runWith(t, { ...CASES, ...failed });
  assert.equal(code, 1);
  assert.deepEqual(said.match(/^not passed: .*$/gm), [
    'not passed: 2.10: FAILED',
    'not passed: 7.9.1: OK, its close WRONG CODE',
    'not passed: 12.1.1: UNIMPLEMENTED',
  ]);
});

test('a run without a case has not passed', async (t) => {
  const { code, said } = await runWith(t, {});
  assert.equal(code, 1);
  assert.match(said, /a report of at least one case was wanted/);
});

test('without its runtime the run is skipped loudly; in CI it fails, unless that is allowed', async (t) => {
  for (const [options, wanted] of [
    [{}, 0],
    [{ ci: true }, 1],
    [{ ci: true, argv: ['--allow-missing'] }, 0],
  ] as const) {
    const { code, said } = await runWith(t, null, options);
    assert.equal(code, wanted, JSON.stringify(options));
    assert.match(said, /^NOT TESTED: Autobahn\|Testsuite was not run, because neither wstest nor its Docker image was found/);
  }
});
