import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { generate } from 'selfsigned';

/** A certificate and its key, as files and as PEM. */
export type Issued = { readonly certFile: string; readonly keyFile: string; readonly cert: string; readonly key: string };

export type Authority = Issued & {
  /** A certificate that this authority vouches for: for `localhost` and 127.0.0.1, and for clients. */
  readonly issue: (name: string) => Promise<Issued>;
  /** A further authority that this one vouches for. */
  readonly issueAuthority: (name: string) => Promise<Authority>;
  readonly folder: string;
};

type Pair = Pick<Issued, 'cert' | 'key'>;
type Kind = 'authority' | 'leaf';

/** An authority of certificates that lives as long as the test. */
export async function startAuthority(t: Pick<TestContext, 'after'>, name = 'ca'): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'authority-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return authorityIn(folder, await issuedIn(folder, name, await makePair(name, 'authority')));
}

/** A certificate, by itself or of an authority. */
export async function makePair(name: string, kind: Kind, by?: Pair): Promise<Pair> {
  const now = Date.now();
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - DAY_MS),
    notAfterDate: new Date(now + DAY_MS),
    extensions: EXTENSIONS[kind],
    ...(by !== undefined && { ca: by }),
  });
  return { cert: `${made.cert.trimEnd()}\n`, key: made.private }; // chains are made by putting one behind another
}

/** The key under a passphrase, as PEM. */
export function lockedKey(key: string, passphrase: string): string {
  return String(createPrivateKey(key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }));
}

const DAY_MS = 86_400_000;
const EXTENSIONS: Readonly<Record<Kind, NonNullable<NonNullable<Parameters<typeof generate>[1]>['extensions']>>> = {
  authority: [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, critical: true },
  ],
  leaf: [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    {
      name: 'subjectAltName',
      altNames: [
        { type: 2, value: 'localhost' },
        { type: 7, ip: '127.0.0.1' },
      ],
    },
  ],
};

function authorityIn(folder: string, own: Issued): Authority {
  return {
    ...own,
    folder,
    issue: async (name) => issuedIn(folder, name, await makePair(name, 'leaf', own)),
    issueAuthority: async (name) => authorityIn(folder, await issuedIn(folder, name, await makePair(name, 'authority', own))),
  };
}

async function issuedIn(folder: string, name: string, { cert, key }: Pair): Promise<Issued> {
  const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)] as const;
  await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)]);
  return { certFile, keyFile, cert, key };
}
