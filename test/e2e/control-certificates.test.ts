import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { startAuthority } from '../support/authority.ts';
import { startBackend } from '../support/backend.ts';
import { MAIN, startGateway } from '../support/gateway.ts';
import { enter, ok, wholeFile } from '../support/guests.ts';
import { run } from '../support/run.ts';

suite('the command line where the control API has certificates of a private authority and wants some', { concurrency: 4 }, async () => {
  const [ca, other] = await Promise.all([startAuthority(wholeFile), startAuthority(wholeFile, 'other')]);
  const [server, caller, stranger] = await Promise.all([ca.issue('gateway'), ca.issue('caller'), other.issue('stranger')]);
  const backend = await startBackend(wholeFile, () => ok({ tags: { room: '1' } }));
  const gateway = await startGateway(wholeFile, {
    API_URI: backend.url,
    CONTROL_PORT: '0',
    TLS_CERT_FILE: server.certFile,
    TLS_KEY_FILE: server.keyFile,
    TLS_CLIENT_CA_FILE: ca.certFile,
  });
  const scene = { gateway, backend };
  const { controlUrl } = gateway;
  const [trusting, coming] = [
    ['--ca', ca.certFile],
    ['--cert', caller.certFile, '--key', caller.keyFile],
  ] as const;
  const byFlags = [...trusting, ...coming];
  const byEnvironment = { CONTROL_CA_FILE: ca.certFile, CONTROL_CERT_FILE: caller.certFile, CONTROL_KEY_FILE: caller.keyFile };
  const nothing = join(ca.folder, 'empty');
  await writeFile(nothing, 'no PEM at all');
  const wsaas = (argv: readonly string[], env: Record<string, string> = {}) => run({ CONTROL_URL: controlUrl, ...env }, argv);

  for (const [given, flags, env] of [
    ['flags', byFlags, {}],
    ['environment', [], byEnvironment],
  ] as const)
    test(`push, send, tags, status, count and close, with what the ${given} says`, async (t) => {
      const guest = await enter(t, scene, { ca: ca.cert });
      for (const [argv, printed] of [
        [['push', guest.id, 'hello'], /^sent$/],
        [['send', '--id', guest.id, 'hello again'], /^1$/],
        [['tags', '--id', guest.id, `given=${given}`], /^1$/],
        [['tags'], new RegExp(`^given: .*\\b${given}\\b`, 'm')],
        [['status', '--id', guest.id], new RegExp(`^${guest.id}  .*given=${given}`)],
        [['count', '--tag', `given=${given}`], /^1$/],
        [['close', guest.id, '--code', '4001'], /^1$/],
      ] as const) {
        const { code, out, errors } = await wsaas([...argv, ...flags], env);
        assert.deepEqual([code, errors], [0, ''], argv.join(' '));
        assert.match(out.trimEnd(), printed);
      }
      assert.deepEqual(
        guest.frames.all.map(({ text }) => text),
        ['hello', 'hello again'],
      );
      assert.equal((await guest.ended).code, 4001);
    });

  test('tail tells what happens, as it happens', async (t) => {
    const child = spawn(process.execPath, [MAIN, 'tail', '--url', controlUrl, ...byFlags], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    let out = '';
    child.stdout.on('data', (chunk) => (out += String(chunk)));
    for (let round = 0; !out.includes('→ open'); round += 1) {
      assert.ok(round < 100, out);
      await enter(t, scene, { ca: ca.cert }); // nobody tells when it has begun to watch
      await Promise.race([once(child.stdout, 'data'), new Promise((resolve) => setTimeout(resolve, 300))]);
    }
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  const named = createServer({ cert: server.cert, key: server.key }).listen(0, '127.0.0.2');
  wholeFile.after(() => named.close());
  await once(named, 'listening');
  const elsewhere = `https://127.0.0.2:${(named.address() as AddressInfo).port}`;
  const plain = { CONTROL_URL: 'http://127.0.0.1:1' };
  const rows: [what: string, argv: readonly string[], code: number, told: RegExp, env?: Record<string, string>][] = [
    [
      'nobody who is trusted vouches for the gateway',
      coming,
      69,
      /authority that is not trusted here \(\w+\); name its authority with --ca/,
    ],
    ['another authority than the gateway’s', ['--ca', other.certFile], 69, /not trusted here .*--ca or CONTROL_CA_FILE/],
    [
      'no certificate of the caller',
      trusting,
      77,
      /wants a client certificate of TLS_CLIENT_CA_FILE, and none came; come with --cert and --key/,
    ],
    [
      'a stranger’s certificate',
      [...trusting, '--cert', stranger.certFile, '--key', stranger.keyFile],
      77,
      /vouches for this client certificate/,
    ],
    ['a certificate without its key', [...trusting, '--cert', caller.certFile], 64, /--cert and --key go together/],
    ['a key without its certificate', trusting, 64, /--cert and --key go together/, { CONTROL_KEY_FILE: caller.keyFile }],
    [
      'the key of another',
      [...trusting, '--cert', caller.certFile, '--key', server.keyFile],
      65,
      /--key must hold the key of the first certificate in --cert; it holds another/,
    ],
    ['a file that is not there', ['--ca', '/does/not/exist'], 65, /--ca must be a file that can be read: ENOENT/],
    [
      'a file that holds none, by its variable',
      [],
      65,
      /CONTROL_CA_FILE must hold a certificate in PEM .*; ".*empty" came/,
      { CONTROL_CA_FILE: nothing },
    ],
    ['a certificate for a key', ['--cert', caller.certFile, '--key', caller.certFile], 65, /--key must hold a private key in PEM/],
    ['an empty flag', ['--ca', ''], 64, /--ca must name a file, nothing came/],
    ['a URL without TLS', trusting, 64, /--ca is for a control API that speaks https; --url is http:\/\/127\.0\.0\.1:1\//, plain],
    ['a name that the certificate is not for', byFlags, 69, /is for other names: .*127\.0\.0\.2/, { CONTROL_URL: elsewhere }],
    [
      'a port that speaks no TLS',
      byFlags,
      69,
      /speaks no TLS; its control API may be at http:\/\//,
      { CONTROL_URL: backend.url.replace('http:', 'https:') },
    ],
  ];
  for (const [what, argv, wanted, told, env] of rows)
    test(`${what} is exit code ${wanted}, and one sentence says why`, async () => {
      const { code, out, errors } = await wsaas(['count', '--all', ...argv], env);
      assert.deepEqual([code, out], [wanted, ''], errors);
      assert.match(errors, told);
      assert.match(errors, /^wsaas: [^\n]+\n$/, 'one line');
    });
});
