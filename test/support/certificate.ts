import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { makePair } from './authority.ts';

export type Certificate = { readonly certFile: string; readonly keyFile: string };

/** A certificate of its own for `localhost`, which clients of this process trust until the test ends. */
export async function trustedCertificate(t: Pick<TestContext, 'after'>): Promise<Certificate> {
  const directory = await mkdtemp(join(tmpdir(), 'certificate-'));
  const [certFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')] as const;
  const { cert, key } = await makePair('localhost', 'leaf');
  await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)]);
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, cert]);
  t.after(async () => {
    setDefaultCACertificates(before);
    await rm(directory, { recursive: true });
  });
  return { certFile, keyFile };
}
