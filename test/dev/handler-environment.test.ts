import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handlerEnvironment, type HandlerEnvironmentOptions } from '../../src/dev/handler-environment.ts';
import { folderWith } from '../support/folder.ts';

const OPTIONS: HandlerEnvironmentOptions = {
  shell: { PATH: '/bin', HOME: '/nowhere', TABLE: 'shell', npm_config_x: '1', NODE_OPTIONS: '--inspect' },
  own: { TABLE: 'template' },
  certificateFile: '/tmp/trusted.pem',
  callbackUrl: 'https://localhost:3001/dev',
  region: 'eu-west-1',
  isTypeScript: false,
  preloads: { ownHosts: 'file:///own.js?apis=a', typescriptImports: 'file:///imports.js' },
};

test("a handler's environment: the template's over the shell's, a place to call, whom to trust; nothing of the program itself", () => {
  assert.deepEqual(handlerEnvironment(OPTIONS), {
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    PATH: '/bin',
    HOME: '/nowhere',
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: 'https://localhost:3001/dev',
    TABLE: 'template',
    NODE_OPTIONS: '--import=file:///own.js?apis=a',
    NODE_EXTRA_CA_CERTS: '/tmp/trusted.pem',
  });
});

test('credentials of whoever develops are never hidden by made-up ones', async (t) => {
  const home = await folderWith(t, { '.aws/config': '[default]\n' });
  for (const shell of [{ HOME: home }, { AWS_PROFILE: 'mine' }, { AWS_ACCESS_KEY_ID: 'mine' }])
    assert.notEqual(handlerEnvironment({ ...OPTIONS, shell })['AWS_ACCESS_KEY_ID'], 'local');
});

test('options of Node that the template has are kept beside those that TypeScript needs', () => {
  const { NODE_OPTIONS = '' } = handlerEnvironment({ ...OPTIONS, isTypeScript: true, own: { NODE_OPTIONS: '--enable-source-maps' } });
  assert.match(NODE_OPTIONS, /--import=file:\/\/\/imports\.js --import=file:\/\/\/own\.js\?apis=a --enable-source-maps$/);
});
