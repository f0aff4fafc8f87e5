import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';

export type Certificate = { readonly certFile: string; readonly keyFile: string };

/** A certificate of its own for `localhost`, which clients of this process trust until the test ends. */
export async function trustedCertificate(t: Pick<TestContext, 'after'>): Promise<Certificate> {
  const directory = await mkdtemp(join(tmpdir(), 'certificate-'));
  const [certFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')] as const;
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  await promisify(execFile)('openssl', ['req', '-x509', ...key, '-out', certFile, ...subject]);
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, await readFile(certFile, 'utf8')]);
  t.after(async () => {
    setDefaultCACertificates(before);
    await rm(directory, { recursive: true });
  });
  return { certFile, keyFile };
}
