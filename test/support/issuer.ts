import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';

export type IssuerKey = {
  readonly kid: string | undefined;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
};

export type Issuer = {
  readonly jwksUri: string;
  /** Its name, below which it describes itself. */
  readonly name: string;
  /** What its description says; may be changed. */
  described: object;
  /** What it publishes; may be changed. */
  published: JWK[];
  /** How often its keys were asked for. */
  asked: number;
  /** What it answers instead of its keys, if anything. */
  answer: ((response: ServerResponse) => void) | null;
};

/** One who makes tokens and publishes the keys over HTTP. */
export async function startIssuer(t: Pick<TestContext, 'after'>, published: JWK[]): Promise<Issuer> {
  const server = createServer(({ url }, response) => {
    issuer.asked += 1;
    if (url === '/.well-known/openid-configuration') response.end(JSON.stringify(issuer.described));
    else if (issuer.answer !== null) issuer.answer(response);
    else response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: issuer.published }));
  });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const name = `http://127.0.0.1:${port}`;
  const jwksUri = `${name}/keys`;
  const issuer: Issuer = { jwksUri, name, described: { issuer: name, jwks_uri: jwksUri }, published, asked: 0, answer: null };
  return issuer;
}

export async function issuerKey(kid: string | undefined, alg = 'ES256'): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), alg, use: 'sig', ...(kid !== undefined && { kid }) };
  return { kid, alg, privateKey, jwk };
}

export function tokenBy({ kid, alg, privateKey }: IssuerKey, claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iss: 'https://issuer.example', aud: 'chat', sub: 'ann', exp: now + 600, ...claims })
    .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
    .sign(privateKey);
}
