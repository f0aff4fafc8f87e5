import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readRoutesFile, RoutesFileError } from '../../src/routes/file.ts';

async function file(t: TestContext, text: string | Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'routes-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'routes.yaml');
  await writeFile(path, text);
  return path;
}

async function problems(t: TestContext, text: string): Promise<string[]> {
  const path = await file(t, text);
  const error = await readRoutesFile(path).then(
    () => assert.fail('the file was taken'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof RoutesFileError, String(error));
  return error.problems.map((line) => line.replace(path, 'FILE'));
}

test('a file with every kind of option is read', async (t) => {
  const path = await file(
    t,
    `
routes:
  - path: /chat/:room
    dialect: wsaas
    backend: https://api.example.com/ws
    tags: { room: ":room", version: "2" }
    reply: true
    maxMessageBytes: 65536
    idleTimeoutMs: 45000
    origins: [https://app.example.com]
    subprotocols: [v2.chat]
  - path: /:id
    dialect: raw
    backend: localhost:8000/wsoverhttp
    duplicateId: oldest
`,
  );
  const routes = await readRoutesFile(path);
  assert.deepEqual(
    routes.map(({ path: client, dialect, maxMessageBytes }) => [client, dialect, maxMessageBytes]),
    [
      ['/chat/:room', 'wsaas', 65_536],
      ['/:id', 'raw', undefined],
    ],
  );
});

test('every mistake is reported at once, with its line and its path', async (t) => {
  const found = await problems(
    t,
    `routes:
  - path: /chat/:room
    backend: localhost:1
    replyy: true
    maxMessageBytes: many
  - path: no-slash
    dialect: soap
    backend: localhost:1
`,
  );
  assert.deepEqual(
    found.map((line) => line.replace(/: (must|is).*/s, '')),
    ['FILE:4: routes.0.replyy', 'FILE:5: routes.0.maxMessageBytes', 'FILE:6: routes.1.path', 'FILE:7: routes.1.dialect'],
  );
});

test('values that a schema cannot judge are judged too, all at once', async (t) => {
  const found = await problems(
    t,
    `routes:
  - path: /a/:room
    backend: ftp://localhost
    tags: { room: ":rom" }
    origins: [app.example.com]
    forwardHeaders: [connection]
    backendHeaders: { authorization: x }
  - path: /raw
    dialect: raw
    backend: localhost:1
`,
  );
  assert.deepEqual(found.map((line) => line.split(': ').slice(0, 2).join(' ')).toSorted(), [
    'FILE:3 routes.0.backend',
    'FILE:4 routes.0.tags.room',
    'FILE:5 routes.0.origins',
    'FILE:6 routes.0.forwardHeaders',
    'FILE:7 routes.0.backendHeaders',
    'FILE:8 routes.1.path',
  ]);
});

test('tags that no connection may have are mistakes: names of parameters, too long ones, too many', async (t) => {
  const many = Array.from({ length: 65 }, (_, index) => `k${index}: x`).join(', ');
  const found = await problems(
    t,
    `routes:
  - path: /a/:id
    backend: localhost:1
    tags:
      id: ":id"
      all: x
      limit: x
      closeCode: x
      room: ${'x'.repeat(130)}
      fine: x
  - path: /b
    backend: localhost:1
    tags: { ${many} }
`,
  );
  assert.deepEqual(
    found.map((line) => line.split(': ').slice(0, 2).join(' ')),
    [
      'FILE:5 routes.0.tags.id',
      'FILE:6 routes.0.tags.all',
      'FILE:7 routes.0.tags.limit',
      'FILE:8 routes.0.tags.closeCode',
      'FILE:9 routes.0.tags.room',
      'FILE:13 routes.1.tags',
    ],
  );
  assert.match(found[0] ?? '', /no tag may be called id: selections have a parameter of that name/);
});

test('mistakes of every kind are reported together: schema, values, URLs, paths, keys given twice', async (t) => {
  const found = await problems(
    t,
    `routes:
  - path: /a/:x
    backend: http:/host
    replyy: true
    tags: { room: ":rom" }
  - path: /a/:y
    backend: "http://me:hush@host"
    maxMessageBytes: many
  - path: no-slash
    dialect: soap
    backend: "http://"
  - path: /raw
    dialect: raw
    backend: ""
    backend: "http://host"
  - backend: /path
  - nothing
`,
  );
  assert.deepEqual(found.map((line) => line.split(': ').slice(0, 2).join(' ')).toSorted(), [
    'FILE:10 routes.2.dialect',
    'FILE:11 routes.2.backend',
    'FILE:12 routes.3.path',
    'FILE:15 Map keys must be unique',
    'FILE:16 routes.4',
    'FILE:16 routes.4.backend',
    'FILE:17 routes.5',
    'FILE:3 routes.0.backend',
    'FILE:4 routes.0.replyy',
    'FILE:5 routes.0.tags.room',
    'FILE:6 routes.1.path',
    'FILE:7 routes.1.backend',
    'FILE:8 routes.1.maxMessageBytes',
    'FILE:9 routes.2.path',
  ]);
  assert.doesNotMatch(found.join(), /hush/);
});

test('a file that an editor gave a byte-order mark, in UTF-8 or UTF-16, is read', async (t) => {
  const text = '\uFEFFroutes:\r\n  - { path: /a, backend: "localhost:1" }\r\n';
  for (const bytes of [Buffer.from(text), Buffer.from(text, 'utf16le')]) {
    const [route] = await readRoutesFile(await file(t, bytes));
    assert.equal(route?.path, '/a');
  }
});

test('an entry of origins that is empty or can match nothing is a mistake: it would open or shut what was to be guarded', async (t) => {
  for (const origins of ['[""]', '[" "]', '["https://a.example/path"]', '["https://*"]']) {
    const found = await problems(t, `routes:\n  - { path: "/a", backend: "localhost:1", origins: ${origins} }\n`);
    assert.equal(found.length, 1, origins);
    assert.match(found[0] ?? '', /^FILE:2: routes\.0\.origins/);
  }
});

test('two routes that would own one client path, or one control path, are a mistake', async (t) => {
  const found = await problems(
    t,
    `routes:
  - { path: "/a/:x", backend: "localhost:1" }
  - { path: "/a/:y", backend: "localhost:1" }
  - { path: "/r/:id", dialect: raw, backend: "localhost:1" }
  - { path: "/s/:id", dialect: raw, backend: "localhost:1" }
`,
  );
  assert.match(found[0] ?? '', /^FILE:3: routes\.1\.path: cannot be routed/);
  assert.match(found[1] ?? '', /^FILE:5: routes\.3\.dialect: another route of dialect raw \(routes\.2\) owns the control paths/);
  assert.equal(found.length, 2);
});

test('routes with client-chosen ids live beside one another by control paths', async (t) => {
  const path = await file(
    t,
    `routes:
  - { path: "/r/:id", dialect: raw, backend: "localhost:1" }
  - { path: "/a/:id", dialect: raw, backend: "localhost:1", controlPath: /tenant-a }
  - { path: "/b/:id", dialect: raw, backend: "localhost:1", controlPath: /tenant-b }
  - { path: "/o/:id", dialect: ocpp, backend: "localhost:1" }
  - { path: "/c/:id", dialect: ocpp, backend: "localhost:1", controlPath: /tenant-c }
`,
  );
  assert.equal((await readRoutesFile(path)).length, 5);
});

test('a second without a control path, two with one, and one that is none are mistakes that say so', async (t) => {
  const found = await problems(
    t,
    `routes:
  - { path: "/a/:id", dialect: raw, backend: "localhost:1", controlPath: /tenant-a }
  - { path: "/b/:id", dialect: raw, backend: "localhost:1", controlPath: /tenant-a }
  - { path: "/c/:id", dialect: ocpp, backend: "localhost:1", controlPath: /tenant-a }
  - { path: "/d/:id", dialect: raw, backend: "localhost:1" }
  - { path: "/e/:id", dialect: raw, backend: "localhost:1" }
  - { path: "/f", backend: "localhost:1", controlPath: /tenant-f }
  - { path: "/g/:id", dialect: raw, backend: "localhost:1", controlPath: /send }
  - { path: "/h/:id", dialect: raw, backend: "localhost:1", controlPath: /call }
  - { path: "/i/:id", dialect: raw, backend: "localhost:1", controlPath: /.. }
`,
  );
  assert.deepEqual(found.toSorted(), [
    'FILE:10: routes.8.controlPath: must not be a dot segment: URLs lose it on their way',
    'FILE:3: routes.1.controlPath: another route (routes.0) owns /tenant-a: each must have its own',
    'FILE:4: routes.2.controlPath: another route (routes.0) owns /tenant-a: each must have its own',
    'FILE:6: routes.4.dialect: another route of dialect raw (routes.3) owns the control paths of its client-chosen ids; this one must have a controlPath, such as /tenant-a',
    'FILE:7: routes.5.controlPath: has no meaning in dialect wsaas, where the gateway gives the ids',
    'FILE:8: routes.6.controlPath: must be another one: send is a word of the control API',
    'FILE:9: routes.7.controlPath: must be another one: call is a word of the control API',
  ]);
  for (const controlPath of ['tenant-a', '/', '/a/b', '/a/', '/:a', '/*', '""', '/ä', '"/a b"', '/a%20b', 7]) {
    const [problem, ...others] = await problems(
      t,
      `routes:\n  - { path: "/a/:id", dialect: raw, backend: "localhost:1", controlPath: ${controlPath} }\n`,
    );
    assert.match(problem ?? '', /^FILE:2: routes\.0\.controlPath: /, String(controlPath));
    assert.equal(others.length, 0, String(controlPath));
  }
});

test('broken YAML and a missing file are said with their place', async (t) => {
  assert.match((await problems(t, 'routes:\n  - path: "/a\n'))[0] ?? '', /^FILE:[23]: /);
  await assert.rejects(readRoutesFile('/nowhere/routes.yaml'), /ROUTES_FILE .*nowhere/);
});

test('an empty file, or one without routes, is a mistake', async (t) => {
  assert.equal((await problems(t, '')).length, 1);
  assert.match((await problems(t, 'routes: []\n')).join(), /routes/);
});

test('options of tokens that cannot be used are mistakes, and an empty jwtJwksUri asks for none', async (t) => {
  const found = await problems(
    t,
    `routes:
  - { path: "/a", backend: "localhost:1", jwtJwksUri: "login.example.com/keys" }
  - { path: "/b", backend: "localhost:1", jwtJwksUri: "https://user:hush@login.example.com/keys" }
  - { path: "/c", backend: "localhost:1", jwtClaimTags: [id] }
  - { path: "/d", backend: "localhost:1", jwtClaimTags: [a=sub, a=name] }
  - { path: "/e", backend: "localhost:1", jwtIssuer: 5 }
`,
  );
  assert.deepEqual(
    found.map((line) => line.split(': ').slice(0, 2).join(' ')),
    [
      'FILE:6 routes.4.jwtIssuer',
      'FILE:2 routes.0.jwtJwksUri',
      'FILE:3 routes.1.jwtJwksUri',
      'FILE:4 routes.2.jwtClaimTags',
      'FILE:5 routes.3.jwtClaimTags',
    ],
  );
  assert.ok(!found.join('\n').includes('hush'));
  const sound = 'jwtJwksUri: "", jwtIssuer: [https://a.example, https://b.example], jwtAudience: [chat], jwtClaimTags: [sub, t=tenant]';
  await readRoutesFile(await file(t, `routes:\n  - { path: "/a", backend: "localhost:1", ${sound} }\n`));
});
