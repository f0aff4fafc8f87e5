import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

/** What TLS is served with, as PEM. */
export type Certificates = {
  /** The server's own first, then those that vouch for it. */
  readonly cert: string;
  readonly key: string;
  /** Who vouches for callers of the control API; null: nobody has to. */
  readonly clientCa: string | null;
};

/** Something is wrong with one of them. */
export type CertificateProblem = { readonly option: keyof typeof CERTIFICATE_OPTIONS; readonly wanted: string };

export const CERTIFICATE_OPTIONS = { TLS_CERT_FILE: 'cert', TLS_KEY_FILE: 'key', TLS_CLIENT_CA_FILE: 'clientCa' } as const;

const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]*-----END (?:TRUSTED )?CERTIFICATE-----/g;

/** What keeps these from being served with: every mistake, of which none shows a byte of the key. */
export function certificateProblems({ cert, key, clientCa }: Certificates): CertificateProblem[] {
  const chain = readCertificates(cert);
  const certProblem = typeof chain === 'string' ? chain : null;
  const keyProblem = privateKeyProblem(key);
  const caProblem = clientCa === null ? null : authorityProblem(clientCa);
  const problems: CertificateProblem[] = [];
  if (certProblem !== null) problems.push({ option: 'TLS_CERT_FILE', wanted: certProblem });
  if (keyProblem !== null) problems.push({ option: 'TLS_KEY_FILE', wanted: keyProblem });
  if (caProblem !== null) problems.push({ option: 'TLS_CLIENT_CA_FILE', wanted: caProblem });
  const own = typeof chain === 'string' ? undefined : chain[0];
  if (problems.length > 0 || own === undefined) return problems;
  if (!own.checkPrivateKey(createPrivateKey(key)))
    return [{ option: 'TLS_KEY_FILE', wanted: 'must hold the key of the first certificate in TLS_CERT_FILE; it holds another' }];
  try {
    createSecureContext({ cert, key, ...(clientCa !== null && { ca: clientCa }) });
    return [];
  } catch (error) {
    return [{ option: 'TLS_CERT_FILE', wanted: `must hold what TLS can be served with (${(error as Error).message})` }];
  }
}

/** Those of a text that holds nothing but certificates in PEM and words between them; or what was wanted. */
function readCertificates(pem: string): readonly X509Certificate[] | string {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) return 'must hold a certificate in PEM (-----BEGIN CERTIFICATE-----)';
  const read: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      read.push(new X509Certificate(block));
    } catch (error) {
      return `must hold certificates in PEM; number ${index + 1} cannot be read (${(error as Error).message})`;
    }
  }
  return read;
}

/** What keeps a text from being certificates in PEM; null: nothing. */
export function certificatesProblem(pem: string): string | null {
  const read = readCertificates(pem);
  return typeof read === 'string' ? read : null;
}

/** Node's server of TLS trusts no chain that does not end at a root. */
function authorityProblem(pem: string): string | null {
  const read = readCertificates(pem);
  if (typeof read === 'string') return read;
  return read.some((one) => one.checkIssued(one))
    ? null
    : 'must hold the authority at the root, which signed itself; it may hold others beside it';
}

/** What keeps a text from being a private key in PEM that can be used; null: nothing. Shows no byte of it. */
export function privateKeyProblem(pem: string): string | null {
  try {
    createPrivateKey(pem);
    return null;
  } catch (error) {
    if (/-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(pem))
      return 'must hold a private key without a passphrase: nobody is there to type it in';
    return `must hold a private key in PEM (${(error as Error).message})`;
  }
}

/** What people look at to see which one is in use. */
export function certificateFacts({ cert }: Certificates): { readonly names: string; readonly validTo: string } {
  const own = new X509Certificate(cert);
  return { names: own.subjectAltName ?? own.subject, validTo: own.validTo };
}
