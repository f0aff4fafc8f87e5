import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import type { SignedRequest } from '../../../src/dialects/aws/canonical-request.ts';
import { SignatureVerifier } from '../../../src/dialects/aws/sigv4.ts';
import { Arrivals } from '../../support/arrivals.ts';
import { ACCESS_KEY_ID, SDKS, SECRET } from '../../support/aws-sdks.ts';

const KEY = { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET };
const IDS = ['L0SM9cOFvHcCIhw=', 'a/b+c d', "ünï-~_.'()*!"];

/** Keeps what comes just as it came, and answers 200. */
async function recorder(t: TestContext): Promise<{ readonly origin: string; readonly requests: Arrivals<SignedRequest> }> {
  const requests = new Arrivals<SignedRequest>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.add({ method: request.method ?? '', target: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
      response.setHeader('content-type', 'application/json');
      response.end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** What verifies it, or the name of the error. */
function judged(request: SignedRequest, own: { readonly key?: object; readonly at?: number; readonly hosts?: string[] } = {}): string {
  const verdict = new SignatureVerifier([{ ...KEY, ...own.key }]).verify(request, own.at ?? Date.now(), own.hosts);
  return 'key' in verdict ? verdict.key.accessKeyId : verdict.error;
}

for (const { name, missing, client } of SDKS) {
  suite(`signatures of ${name}`, { skip: missing }, () => {
    test('are verified for every endpoint and every id, with and without a body', async (t) => {
      const { origin, requests } = await recorder(t);
      for (const path of ['', '/prod', '/prod/', '/my%20stage', '/a/b']) {
        const sdk = client(t, { endpoint: origin + path });
        for (const id of path === '/prod' ? IDS : IDS.slice(0, 1)) await sdk.post(id, Buffer.from([0, 1, 255]));
        await sdk.get(IDS[0] ?? '');
        await sdk.remove(IDS[0] ?? '');
      }
      assert.equal(requests.all.length, 17);
      for (const request of requests.all) assert.equal(judged(request), ACCESS_KEY_ID, `${request.method} ${request.target}`);
    });

    test('are refused when anything that they sign is changed, when they are old, and for other keys', async (t) => {
      const { origin, requests } = await recorder(t);
      await client(t, { endpoint: `${origin}/prod` }).post('L0SM9cOFvHcCIhw=', 'hello');
      const request = await requests.first(() => true);
      const { headers, target, body } = request;
      const INVALID = 'InvalidSignatureException';
      const tampered: readonly (readonly [what: string, request: SignedRequest])[] = [
        ['body', { ...request, body: Buffer.from('hullo') }],
        ['no body', { ...request, body: Buffer.alloc(0) }],
        [
          'body and its hash',
          {
            ...request,
            body: Buffer.from('x'),
            headers: { ...headers, 'x-amz-content-sha256': '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881' },
          },
        ],
        ['id', { ...request, target: target.replace('L0SM', 'L0SN') }],
        ['query', { ...request, target: `${target}?frame=binary` }],
        ['method', { ...request, method: 'DELETE' }],
        ['host', { ...request, headers: { ...headers, host: 'other.example.com' } }],
        [
          'time',
          {
            ...request,
            headers: {
              ...headers,
              'x-amz-date': String(headers['x-amz-date']).replace(/\d\dZ$/, (end) => (end === '00Z' ? '01Z' : '00Z')),
            },
          },
        ],
        [
          'region',
          { ...request, headers: { ...headers, authorization: String(headers['authorization']).replace('eu-west-1', 'eu-west-2') } },
        ],
        ['service', { ...request, headers: { ...headers, authorization: String(headers['authorization']).replace('execute-api', 's3') } }],
        [
          'signed headers',
          {
            ...request,
            headers: {
              ...headers,
              authorization: String(headers['authorization']).replace(/SignedHeaders=[^,]*/, 'SignedHeaders=x-amz-date'),
            },
          },
        ],
        [
          'day',
          { ...request, headers: { ...headers, authorization: String(headers['authorization']).replace(/\/\d{8}\//, '/20200101/') } },
        ],
      ];
      for (const [what, other] of tampered) assert.equal(judged(other), INVALID, what);
      assert.equal(judged(request), ACCESS_KEY_ID, 'as it was it is right, any number of times');
      assert.equal(judged(request, { at: Date.now() + 301_000 }), INVALID, 'replayed too late');
      assert.equal(judged(request, { at: Date.now() - 301_000 }), INVALID, 'from the future');
      assert.equal(judged(request, { key: { secretAccessKey: 'another' } }), INVALID);
      assert.equal(judged(request, { key: { accessKeyId: 'AKIDOTHER' } }), 'UnrecognizedClientException');
      assert.equal(judged(request, { key: { sessionToken: 'wanted' } }), 'UnrecognizedClientException');
      const host = String(headers['host']);
      assert.equal(
        judged({ ...request, headers: { ...headers, host: 'inside' } }, { hosts: [host] }),
        ACCESS_KEY_ID,
        'a proxy named us otherwise',
      );
      assert.ok(body.length > 0);
    });

    test('of temporary credentials count with their token only', async (t) => {
      const { origin, requests } = await recorder(t);
      await client(t, { endpoint: origin, sessionToken: 'a/session+token==' }).get('L0SM9cOFvHcCIhw=');
      const request = await requests.first(() => true);
      assert.equal(judged(request, { key: { sessionToken: 'a/session+token==' } }), ACCESS_KEY_ID);
      assert.equal(judged(request, { key: { sessionToken: 'another' } }), 'UnrecognizedClientException');
    });
  });
}

const unsigned = (headers: Record<string, string>): SignedRequest => ({
  method: 'POST',
  target: '/',
  headers: { host: 'x', ...headers },
  body: Buffer.alloc(0),
});

test('what is no signature is told so, whatever it is', () => {
  assert.equal(judged(unsigned({})), 'MissingAuthenticationTokenException');
  for (const authorization of [
    '',
    'Bearer x',
    'AWS4-HMAC-SHA256',
    `AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
    'x'.repeat(10_000),
  ])
    assert.equal(judged(unsigned({ authorization })), 'IncompleteSignatureException', authorization.slice(0, 50));
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  const scope = `AKIDEXAMPLE/${day}/eu-west-1/execute-api/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=${'0'.repeat(64)}`;
  assert.equal(judged(unsigned({ authorization })), 'IncompleteSignatureException', 'no date');
  assert.equal(judged(unsigned({ authorization, 'x-amz-date': 'yesterday' })), 'IncompleteSignatureException');
});

test('a stranger fills no table: keys that are derived are kept for signatures that were right', () => {
  const verifier = new SignatureVerifier([KEY]);
  const now = Date.UTC(2026, 1, 9, 12);
  for (let n = 0; n < 1_000; n += 1) {
    const authorization = `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY_ID}/20260209/region-${n}/execute-api/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`;
    const verdict = verifier.verify(
      { method: 'GET', target: '/', headers: { host: 'x', authorization, 'x-amz-date': '20260209T120000Z' }, body: Buffer.alloc(0) },
      now,
    );
    assert.ok('error' in verdict && verdict.error === 'InvalidSignatureException');
  }
  assert.equal(verifier.derivedKeys, 0);
});
