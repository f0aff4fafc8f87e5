import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DialectDefinition } from '../../src/dialects/definition.ts';
import { DIALECTS } from '../../src/dialects/index.ts';
import { ERRORS } from '../../src/wire/errors.ts';
import { command, commands, document, events, type Media, type Operation } from './document.ts';

const SELECTIONS = ['sendToSelection', 'setTags', 'closeSelection', 'count'];

/** Every schema that stands where it is used, with where that is. */
function schemasOf({ operationId, requestBody, responses }: Operation): (readonly [string, Media])[] {
  const bodies = Object.entries(requestBody?.content ?? {}).map(([type, media]) => [`${operationId} ${type}`, media] as const);
  const answers = Object.entries(responses).flatMap(([status, { content = {} }]) =>
    Object.entries(content).map(([type, media]) => [`${operationId} ${status} ${type}`, media] as const),
  );
  return [...bodies, ...answers];
}

test('what has properties is a named schema, for requests, answers and events', () => {
  const nameless = [...commands, ...events]
    .flatMap(schemasOf)
    .filter(([, { schema }]) => JSON.stringify(schema).includes('"properties"'))
    .map(([where]) => where);
  assert.deepEqual(nameless, []);
  const names = Object.keys(document.components.schemas);
  for (const name of [
    'CloseEvent',
    'Connection',
    'Counts',
    'GatewayError',
    'OpenEvent',
    'OpenVerdict',
    'Outcome',
    'RpcError',
    'StatusPage',
    'Tree',
  ])
    assert.ok(names.includes(name), `no schema ${name}`);
});

test('every dialect’s calls to a backend are webhooks, and each tells of open, message and close', () => {
  for (const [name, { webhooks, ownBackend }] of Object.entries<DialectDefinition>(DIALECTS)) {
    if (ownBackend !== undefined) {
      assert.deepEqual(webhooks, {}, `${name} calls nobody over HTTP`);
      continue;
    }
    const missing = Object.keys(webhooks).filter((webhook) => !(webhook in document.webhooks));
    assert.deepEqual(missing, [], name);
    const ids = Object.keys(webhooks).flatMap((webhook) =>
      Object.values(document.webhooks[webhook] ?? {}).map(({ operationId }) => operationId),
    );
    for (const event of [/Open$|Connect$/, /Message$|Call$/, /Close$|Disconnect$/])
      assert.ok(
        ids.some((id) => event.test(id)),
        `${name} has no ${String(event)} among ${ids.join(', ')}`,
      );
  }
});

test('tags of a selection are free parameters: the pairs of one object, whose own name is not sent', () => {
  for (const id of SELECTIONS) {
    const parameters = command(id).parameters ?? [];
    const { schema, ...tags } = parameters.find(({ name }) => name === 'tags') ?? assert.fail(`${id} has no tags`);
    assert.deepEqual([tags.in, tags.style, tags.explode], ['query', 'form', true]);
    assert.deepEqual(schema, { type: 'object', additionalProperties: { type: 'string' } });
    for (const list of ['id', 'exclude']) {
      const { style, explode } = parameters.find(({ name }) => name === list) ?? assert.fail(`${id} has no ${list}`);
      assert.deepEqual([style, explode], ['form', false], list);
    }
  }
  const names = command('closeSelection').parameters?.map(({ name }) => name) ?? [];
  for (const name of ['closeCode', 'closeReason']) assert.ok(names.includes(name));
});

test('whoever may have to be asked in another process may be late: 504 stands beside each 503', () => {
  const asking = commands.filter(({ responses, operationId }) => '503' in responses && operationId !== 'readyz' && operationId !== 'watch'); // which is full where it is asked
  assert.ok(asking.length >= 7, `${asking.length} operations`);
  assert.deepEqual(
    asking.filter(({ responses }) => !('504' in responses)).map(({ operationId }) => operationId),
    [],
  );
});

test('answers name the headers that they carry', () => {
  const wanted: Readonly<Record<string, string>> = { 401: 'WWW-Authenticate', 426: 'Upgrade', 429: 'Retry-After', 503: 'Retry-After' };
  const missing = commands
    .filter(({ operationId }) => operationId !== 'readyz')
    .flatMap(({ operationId, responses }) =>
      Object.entries(responses).flatMap(([status, { headers = {} }]) => {
        const header = wanted[status];
        return header === undefined || header in headers ? [] : [`${operationId} ${status}: ${header}`];
      }),
    );
  assert.deepEqual(missing, []);
  for (const id of [...SELECTIONS, 'tree', 'status', 'metrics'])
    assert.ok('WS-Incomplete' in (command(id).responses['200']?.headers ?? {}), id);
  for (const id of ['onOpen', 'onMessage', 'onRawMessage', 'onOcppCall'])
    assert.ok(
      events.some(({ operationId, responses }) => operationId === id && 'WS-Set-Tags' in (responses['2XX']?.headers ?? {})),
      id,
    );
});

function types(id: string, status: string): string[] {
  return Object.keys(command(id).responses[status]?.content ?? {});
}

test('what is answered as words is described as words', () => {
  for (const id of ['sendToSelection', 'setTags', 'closeSelection', 'tree', 'status'])
    assert.deepEqual(types(id, '200'), ['text/plain', 'application/json'], id);
  for (const id of ['count', 'metrics']) assert.deepEqual(types(id, '200'), ['text/plain'], id);
  for (const status of ['200', '202', '400', '404', '413', '429', '503', '504'])
    assert.deepEqual(types('rawPush', status), ['text/plain'], status);
  for (const status of ['401', '403']) assert.deepEqual(types('rawPush', status), ['application/json'], status);
});

test('every body has an example, and errors have one with a code of the table', () => {
  const bare = [...commands, ...events]
    .flatMap(schemasOf)
    .filter(
      ([where, { schema, example, examples }]) =>
        !where.includes('octet-stream') && example === undefined && examples === undefined && !('examples' in schema),
    )
    .map(([where]) => where);
  assert.deepEqual(bare, []);
  let errors = 0;
  for (const [where, { schema, example }] of commands.flatMap(schemasOf)) {
    if (schema['$ref'] !== '#/components/schemas/GatewayError') continue;
    errors += 1;
    const { code } = example as { code: keyof typeof ERRORS };
    assert.equal(ERRORS[code]?.status, Number(where.split(' ')[1]), where);
  }
  assert.ok(errors > 40, `${errors} errors`);
});
