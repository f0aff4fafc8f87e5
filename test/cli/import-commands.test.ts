import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../support/run.ts';
import { folderWith } from '../support/folder.ts';

const TEMPLATE =
  'service: s\nprovider: { name: aws, runtime: nodejs22.x, environment: { A: "${env:GIVEN}", B: "${ssm:x}" } }\nfunctions: { a: { handler: a.handler, events: [ websocket: $connect ] } }\n';

test('import-aws prints routes on stdout and what it could not map on stderr; a file that is no template ends it with 65, a bad line with 64', async (t) => {
  const folder = await folderWith(t, { 'serverless.yml': TEMPLATE, 'a.js': '', 'bad.yml': 'a: [1\n' });
  const [good, bad, misused] = await Promise.all([
    run({ GIVEN: 'yes' }, ['import-aws', `${folder}/serverless.yml`]),
    run({}, ['import-aws', `${folder}/bad.yml`]),
    run({}, ['import-aws', `${folder}/serverless.yml`, '--stge', 'x']),
  ]);
  assert.equal(good.code, 0);
  assert.match(good.out, /^# Made by wsaas import-aws[^\n]*\nroutes:\n {2}- path: \/dev\n {4}dialect: aws\n/);
  assert.match(good.out, /A: yes/);
  assert.match(good.errors, /serverless\.yml:2: provider\.environment\.B: \$\{ssm:x\} has no value here/);
  assert.deepEqual([bad.code, bad.out], [65, '']);
  assert.match(bad.errors, /bad\.yml:2: /);
  assert.deepEqual([misused.code, misused.out], [64, '']);
  assert.match(misused.errors, /--stge[\s\S]*Usage: wsaas import-aws/);
});
