import assert from 'node:assert/strict';
import { createHmac, createPublicKey } from 'node:crypto';
import { suite, test } from 'node:test';
import { TokenVerifier, type TokenRules, type TokenVerdict } from '../../src/wire/tokens.ts';
import { deadOrigin } from '../contracts/http-peer.ts';
import { issuerKey, startIssuer, tokenBy, type Issuer } from '../support/issuer.ts';

const key = await issuerKey('one');
const other = await issuerKey('two');
const NOW_SECONDS = Math.floor(Date.now() / 1000);

function rulesOf({ jwksUri }: Pick<Issuer, 'jwksUri'>): TokenRules {
  return { jwksUri, issuers: ['https://issuer.example'], audiences: ['chat'] };
}

function faultOf(verdict: TokenVerdict): string {
  return verdict.type === 'invalid' ? verdict.fault : verdict.type;
}

function segment(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

suite('a token', () => {
  test('of the issuer, for us and in time is valid, with its claims and its end', async (t) => {
    const issuer = await startIssuer(t, [key.jwk]);
    const verdict = await new TokenVerifier(rulesOf(issuer)).verify(await tokenBy(key, { exp: NOW_SECONDS + 60, scope: 'a b' }));
    assert.ok(verdict.type === 'valid');
    assert.equal(verdict.expiresAt, (NOW_SECONDS + 60) * 1000);
    assert.deepEqual([verdict.claims['sub'], verdict.claims['scope']], ['ann', 'a b']);
  });

  test('that is not all this is refused with one word', async (t) => {
    const issuer = await startIssuer(t, [key.jwk]);
    const verifier = new TokenVerifier(rulesOf(issuer));
    const good = await tokenBy(key);
    const [header, payload, signature] = good.split('.') as [string, string, string];
    const rows: readonly (readonly [token: string, fault: string])[] = [
      [await tokenBy(key, { exp: NOW_SECONDS - 1 }), 'expired'],
      [await tokenBy(key, { exp: undefined }), 'no expiry'],
      [await tokenBy(key, { exp: 'tomorrow' }), 'claim'],
      [await tokenBy(key, { nbf: NOW_SECONDS + 60 }), 'not valid yet'],
      [await tokenBy(key, { nbf: NOW_SECONDS + 2 }), 'valid'],
      [await tokenBy(key, { iss: 'https://issuer.example.evil' }), 'issuer'],
      [await tokenBy(key, { iss: undefined }), 'issuer'],
      [await tokenBy(key, { aud: 'mail' }), 'audience'],
      [await tokenBy(key, { aud: ['mail', 'chat'] }), 'valid'],
      [await tokenBy(key, { aud: undefined }), 'audience'],
      [await tokenBy(key, { aud: undefined, client_id: 'chat' }), 'valid'],
      [await tokenBy(key, { aud: 'mail', client_id: 'chat' }), 'audience'],
      [await tokenBy({ ...other, kid: 'one' }), 'signature'],
      [await tokenBy(other), 'unknown key'],
      [`${header}.${segment({ iss: 'https://issuer.example', aud: 'chat', exp: NOW_SECONDS + 60, sub: 'eve' })}.${signature}`, 'signature'],
      [`${segment({ alg: 'none' })}.${payload}.`, 'algorithm'],
      [`${segment({ alg: 'none' })}.${payload}`, 'malformed'],
      [good.slice(0, -4), 'signature'],
      ['', 'malformed'],
      ['..', 'malformed'],
      ['not a token', 'malformed'],
      ['x'.repeat(20_000), 'malformed'],
      [`${'é'.repeat(100)}.é.é`, 'malformed'],
    ];
    for (const [token, fault] of rows) assert.equal(faultOf(await verifier.verify(token)), fault, token.slice(0, 80));
  });

  test('signed with a public key as if it were a secret is refused, even where the key set has a secret', async (t) => {
    const rsa = await issuerKey('rsa', 'RS256');
    const secret = Buffer.from('a secret that the issuer should not have published');
    const issuer = await startIssuer(t, [rsa.jwk, { kty: 'oct', kid: 'oct', alg: 'HS256', k: secret.toString('base64url') }]);
    const verifier = new TokenVerifier(rulesOf(issuer));
    const pem = createPublicKey({ key: rsa.jwk, format: 'jwk' }).export({
      type: 'spki',
      format: 'pem',
    });
    const payload = (await tokenBy(rsa)).split('.')[1];
    for (const [kid, mac] of [
      ['rsa', pem],
      ['oct', secret],
    ] as const) {
      const signed = `${segment({ alg: 'HS256', kid })}.${payload}`;
      const forged = `${signed}.${createHmac('sha256', mac).update(signed).digest('base64url')}`;
      assert.equal(faultOf(await verifier.verify(forged)), 'algorithm', kid);
    }
    assert.equal(faultOf(await verifier.verify(await tokenBy(rsa))), 'valid');
  });

  test('without issuer and audience in the rules may be of any, still signed and in time', async (t) => {
    const issuer = await startIssuer(t, [key.jwk]);
    const verifier = new TokenVerifier({ jwksUri: issuer.jwksUri, issuers: [], audiences: [] });
    assert.equal(faultOf(await verifier.verify(await tokenBy(key, { iss: 'x', aud: 'y' }))), 'valid');
    assert.equal(faultOf(await verifier.verify(await tokenBy(key, { exp: NOW_SECONDS - 1 }))), 'expired');
  });

  test('that names no key is tried with those that fit', async (t) => {
    const [first, second] = [await issuerKey(undefined), await issuerKey(undefined)];
    const issuer = await startIssuer(t, [first.jwk, second.jwk]);
    const verifier = new TokenVerifier(rulesOf(issuer));
    assert.equal(faultOf(await verifier.verify(await tokenBy(second))), 'valid');
    assert.equal(faultOf(await verifier.verify(await tokenBy(await issuerKey(undefined)))), 'signature');
    assert.equal(faultOf(await verifier.verify(await tokenBy(second, { exp: NOW_SECONDS - 1 }))), 'expired');
  });

  for (const alg of ['RS256', 'PS384', 'ES512', 'EdDSA'])
    test(`may be signed by ${alg}`, async (t) => {
      const signer = await issuerKey('k', alg);
      const issuer = await startIssuer(t, [signer.jwk]);
      assert.equal(faultOf(await new TokenVerifier(rulesOf(issuer)).verify(await tokenBy(signer))), 'valid');
    });
});

suite('the keys of an issuer', () => {
  test('are asked for once, by the first token, and by all that wait for them together', async (t) => {
    const issuer = await startIssuer(t, [key.jwk]);
    const verifier = new TokenVerifier(rulesOf(issuer));
    const token = await tokenBy(key);
    assert.equal(issuer.asked, 0);
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token)));
    assert.deepEqual(new Set(verdicts.map(faultOf)), new Set(['valid']));
    assert.equal(issuer.asked, 1);
  });

  test('are asked for again when a token names a new one, and not once for each stranger who names one', async (t) => {
    const issuer = await startIssuer(t, [key.jwk]);
    const eager = new TokenVerifier(rulesOf(issuer), { limits: { unknownKeyPauseMs: 0 } });
    assert.equal(faultOf(await eager.verify(await tokenBy(key))), 'valid');
    issuer.published = [other.jwk];
    assert.equal(faultOf(await eager.verify(await tokenBy(other))), 'valid');
    assert.equal(faultOf(await eager.verify(await tokenBy(key))), 'unknown key', 'a key that was withdrawn counts no more');
    const before = issuer.asked;
    const calm = new TokenVerifier(rulesOf(issuer));
    for (let count = 0; count < 20; count += 1) assert.equal(faultOf(await calm.verify(await tokenBy(key))), 'unknown key');
    assert.equal(issuer.asked, before + 1);
  });

  test('are found by the name of the issuer alone, who must describe itself', async (t) => {
    const issuer = await startIssuer(t, [key.jwk]);
    const rules = { jwksUri: null, issuers: [issuer.name], audiences: [] };
    const token = await tokenBy(key, { iss: issuer.name });
    assert.equal(faultOf(await new TokenVerifier(rules).verify(token)), 'valid');
    const well = issuer.described;
    for (const described of [{ ...well, issuer: 'https://another.example' }, { ...well, jwks_uri: 'file:///etc/passwd' }, {}, [], null]) {
      issuer.described = described as object;
      assert.equal(faultOf(await new TokenVerifier(rules).verify(token)), 'unavailable', JSON.stringify(described));
    }
  });

  test('that cannot be had leave a token undecided, and are not asked for by every stranger', async (t) => {
    const issuer = await startIssuer(t, [key.jwk]);
    issuer.answer = (response) => void response.writeHead(500).end();
    const verifier = new TokenVerifier(rulesOf(issuer));
    for (let count = 0; count < 20; count += 1) {
      const verdict = await verifier.verify(await tokenBy(key));
      assert.ok(verdict.type === 'unavailable' && /500/.test(verdict.because));
    }
    assert.equal(issuer.asked, 1);
  });

  test('come back with the issuer', async (t) => {
    const issuer = await startIssuer(t, [key.jwk]);
    const verifier = new TokenVerifier(rulesOf(issuer), { limits: { failurePauseMs: 0 } });
    issuer.answer = (response) => void response.writeHead(503).end();
    assert.equal(faultOf(await verifier.verify(await tokenBy(key))), 'unavailable');
    issuer.answer = null;
    assert.equal(faultOf(await verifier.verify(await tokenBy(key))), 'valid');
  });

  test('that are old serve on while the issuer is away, for a time', async (t) => {
    const issuer = await startIssuer(t, [key.jwk]);
    const [patient, strict] = [3_600_000, -1].map(
      (maxStaleMs) => new TokenVerifier(rulesOf(issuer), { limits: { maxAgeMs: 0, maxStaleMs, failurePauseMs: 0 } }),
    );
    for (const verifier of [patient, strict]) assert.equal(faultOf((await verifier?.verify(await tokenBy(key))) as TokenVerdict), 'valid');
    issuer.answer = (response) => void response.destroy();
    assert.equal(faultOf((await patient?.verify(await tokenBy(key))) as TokenVerdict), 'valid');
    assert.equal(faultOf((await strict?.verify(await tokenBy(key))) as TokenVerdict), 'unavailable');
    assert.ok(issuer.asked >= 4);
  });

  test('that hang, never end, are no keys or lie behind a redirect are none', async (t) => {
    const issuer = await startIssuer(t, [key.jwk]);
    const limits = { timeoutMs: 150, maxBytes: 10_000, failurePauseMs: 0 };
    const verifier = new TokenVerifier(rulesOf(issuer), { limits });
    const answers: Record<string, NonNullable<Issuer['answer']>> = {
      'says nothing': () => {},
      'begins and hangs': (response) => void response.write('{"keys":['),
      'is too long': (response) => void response.end(JSON.stringify({ keys: [], more: 'x'.repeat(10_001) })),
      'is no JSON': (response) => void response.end('<html>'),
      'is no key set': (response) => void response.end('[]'),
      'has broken keys': (response) => void response.end('{"keys":[1]}'),
      'is elsewhere': (response) => void response.writeHead(302, { location: '/other' }).end(),
    };
    for (const [name, answer] of Object.entries(answers)) {
      issuer.answer = answer;
      assert.equal(faultOf(await verifier.verify(await tokenBy(key))), 'unavailable', name);
    }
    issuer.answer = null;
    issuer.published = [{ ...key.jwk, x: 'AAAA' }];
    assert.equal(faultOf(await verifier.verify(await tokenBy(key))), 'unavailable', 'a key that is none');
  });

  test('of an issuer that is not there leave a token undecided, and the verdict says why', async () => {
    const verifier = new TokenVerifier(rulesOf({ jwksUri: `${await deadOrigin()}/keys` }));
    const verdict = await verifier.verify(await tokenBy(key));
    assert.ok(verdict.type === 'unavailable' && /ECONNREFUSED/.test(verdict.because), JSON.stringify(verdict));
  });
});
