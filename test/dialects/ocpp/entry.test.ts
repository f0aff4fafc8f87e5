import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { sampleEntry } from '../../contracts/samples.ts';
import { enterOcpp, type OcppEntryOptions } from '../../../src/dialects/ocpp/entry.ts';

type Asked = { readonly id?: string; readonly offers?: readonly string[]; readonly authorization?: string | null };

function enter({ id = 'CP1', offers = ['ocpp1.6'], authorization = null }: Asked, options: OcppEntryOptions = {}) {
  return enterOcpp(options)(sampleEntry({ parameters: { site: 'north', id }, subprotocols: offers, authorization }));
}

function statusOf(asked: Asked, options: OcppEntryOptions = {}): number {
  const entry = enter(asked, options);
  return 'type' in entry ? entry.status : 101;
}

const basic = (bytes: string | Buffer) => `Basic ${Buffer.from(bytes).toString('base64')}`;

suite('the version', () => {
  test("is the client's favourite among those configured, whatever the order in the configuration", () => {
    assert.deepEqual(enter({ offers: ['ocpp2.0', 'ocpp2.0.1', 'ocpp1.6'] }), { clientId: 'CP1', subprotocol: 'ocpp2.0.1' });
    assert.deepEqual(enter({ offers: ['ocpp2.1', 'ocpp1.6'] }, { subprotocols: ['ocpp1.6'] }), { clientId: 'CP1', subprotocol: 'ocpp1.6' });
  });

  test('in common is a condition: 400, or if wanted so an upgrade and a close frame', () => {
    for (const offers of [[], ['ocpp2.0'], ['OCPP1.6'], ['constructor']]) assert.equal(statusOf({ offers }), 400);
    const closing = enter({ offers: [] }, { noSubprotocol: 'close' });
    assert.ok('type' in closing);
    assert.equal(closing.closeCode, 1002);
    const refused = enter({ offers: [] });
    assert.ok('type' in refused && refused.closeCode === undefined);
  });
});

suite('the identity', () => {
  test('is free text in 1.6, but for what could not be a path segment', () => {
    for (const id of ['CP1', 'RDAM 123', 'a:b', 'ü/?#', 'x'.repeat(255)]) assert.equal(statusOf({ id }), 101, id);
    for (const id of ['', '.', '..', 'x'.repeat(256), 'ü'.repeat(128), 'metrics']) assert.equal(statusOf({ id }), 400, id);
  });

  test('is an identifierString of 48 characters without a colon in 2.x', () => {
    for (const offers of [['ocpp2.0.1'], ['ocpp2.1']]) {
      for (const id of ['CP1', 'aZ9*-_=+|@.', 'x'.repeat(48)]) assert.equal(statusOf({ id, offers }), 101, id);
      for (const id of ['', 'a:b', 'a b', 'ü', 'x'.repeat(49), 'a/b', '..']) assert.equal(statusOf({ id, offers }), 400, id);
    }
  });

  test('is the last segment of what a wildcard matched', () => {
    const entry = enterOcpp({})(sampleEntry({ parameters: { '*': 'north/1/CP1' }, subprotocols: ['ocpp1.6'] }));
    assert.deepEqual(entry, { clientId: 'CP1', subprotocol: 'ocpp1.6' });
  });
});

suite('the user name of Basic authentication', () => {
  test('must equal the identity, byte for byte', () => {
    assert.equal(statusOf({ authorization: basic('CP1:secret') }), 101);
    assert.equal(statusOf({ authorization: basic('CP1:').replace('Basic', 'bAsIc') }), 101);
    for (const wrong of ['CP2:secret', 'CP1', 'CP11:secret', 'cp1:secret', ':secret', '', 'CP']) {
      assert.equal(statusOf({ authorization: basic(wrong) }), 401, wrong);
    }
    for (const broken of ['Basic', 'Basic ', 'Basic *', 'Basic Q1Ax OnNlY3JldA=='])
      assert.equal(statusOf({ authorization: broken }), 401, broken);
    const entry = enter({ authorization: basic('CP2:secret') });
    assert.ok('type' in entry && String(entry.headers?.['WWW-Authenticate']).startsWith('Basic realm='));
  });

  test('is not asked for: no credentials, or of another kind, are the backend’s affair', () => {
    assert.equal(statusOf({}), 101);
    assert.equal(statusOf({ authorization: 'Bearer abc' }), 101);
  });

  test('ends where the identity ends, whatever bytes the password has and however many colons stand where', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 20 }), fc.uint8Array(), (id, password) => {
        fc.pre(statusOf({ id }) === 101);
        const authorization = basic(Buffer.concat([Buffer.from(id), Buffer.from(':'), Buffer.from(password)]));
        assert.equal(statusOf({ id, authorization }), 101);
        if (!id.startsWith('x')) assert.equal(statusOf({ id: `x${id}`, authorization }), 401);
      }),
    );
    assert.equal(statusOf({ id: 'a:b', authorization: basic('a:b:c') }), 101);
    assert.equal(statusOf({ id: 'CP1', authorization: basic(Buffer.from('CP1:\xff\x00:\xfe', 'latin1')) }), 101);
  });
});
