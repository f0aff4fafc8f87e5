import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';

/** A certificate and its key, as files and as PEM. */
export type Issued = { readonly certFile: string; readonly keyFile: string; readonly cert: string; readonly key: string };

export type Authority = Issued & {
  /** A certificate that this authority vouches for: for `localhost` and 127.0.0.1, and for clients. */
  readonly issue: (name: string) => Promise<Issued>;
  /** A further authority that this one vouches for. */
  readonly issueAuthority: (name: string) => Promise<Authority>;
  readonly folder: string;
};

/** An authority of certificates that lives as long as the test; what it needs is Debian's `openssl`. */
export async function startAuthority(t: Pick<TestContext, 'after'>, name = 'ca'): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'authority-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'openssl.cnf'), '[req]\ndistinguished_name = dn\n[dn]\n');
  return authorityIn(folder, await make(folder, name, { extensions: AUTHORITY }));
}

const AUTHORITY = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign', 'subjectKeyIdentifier=hash'];
const LEAF = ['basicConstraints=critical,CA:FALSE', 'subjectAltName=DNS:localhost,IP:127.0.0.1', 'extendedKeyUsage=serverAuth,clientAuth'];

function authorityIn(folder: string, own: Issued): Authority {
  return {
    ...own,
    folder,
    issue: (name) => make(folder, name, { extensions: LEAF, by: own }),
    issueAuthority: async (name) => authorityIn(folder, await make(folder, name, { extensions: AUTHORITY, by: own })),
  };
}

async function make(
  folder: string,
  name: string,
  { extensions, by }: { readonly extensions: readonly string[]; readonly by?: Issued },
): Promise<Issued> {
  const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)] as const;
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  const signed = by === undefined ? [] : ['-CA', by.certFile, '-CAkey', by.keyFile];
  const extended = extensions.flatMap((one) => ['-addext', one]);
  const config = ['-config', join(folder, 'openssl.cnf'), '-days', '2', '-subj', `/CN=${name}`];
  await promisify(execFile)('openssl', ['req', '-x509', ...config, ...key, ...signed, ...extended, '-out', certFile]);
  const [cert, keyText] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  return { certFile, keyFile, cert, key: keyText };
}
