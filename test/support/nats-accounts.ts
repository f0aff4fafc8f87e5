import { createAccount, createOperator, createUser, type KeyPair } from '@nats-io/nkeys';

/** The part of a NATS server's configuration that has accounts by signed tokens, and the credentials of one user. */
export type NatsAccounts = { readonly config: string; readonly credentials: string };

const UNLIMITED = { subs: -1, data: -1, payload: -1 };
const ACCOUNT = { ...UNLIMITED, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
const STORAGE = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

/** As the tools of NATS make them: an operator vouches for accounts, an account for its users. */
export function natsAccounts(): NatsAccounts {
  const [operator, system, account, user] = [createOperator(), createAccount(), createAccount(), createUser()];
  const operatorToken = token(operator, operator, { type: 'operator', system_account: system.getPublicKey() });
  const accountToken = token(account, operator, { type: 'account', limits: { ...ACCOUNT, ...STORAGE } });
  const systemToken = token(system, operator, { type: 'account', limits: ACCOUNT });
  const userToken = token(user, account, { type: 'user', ...UNLIMITED });
  const seed = Buffer.from(user.getSeed()).toString();
  return {
    config: `
      operator: ${operatorToken}
      system_account: ${system.getPublicKey()}
      resolver: MEMORY
      resolver_preload { ${account.getPublicKey()}: ${accountToken}, ${system.getPublicKey()}: ${systemToken} }
    `,
    credentials: [...block('NATS USER JWT', userToken), '', ...block('USER NKEY SEED', seed), ''].join('\n'),
  };
}

function block(name: string, text: string): string[] {
  return [`-----BEGIN ${name}-----`, text, `------END ${name}------`];
}

function token(subject: KeyPair, issuer: KeyPair, nats: object): string {
  const claims = { jti: 'test', iat: Math.floor(Date.now() / 1000), iss: issuer.getPublicKey(), sub: subject.getPublicKey(), name: 'test' };
  const signed = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part({ ...claims, nats: { ...nats, version: 2 } })}`;
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString('base64url')}`;
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
