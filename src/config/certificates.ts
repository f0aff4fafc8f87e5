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
  const [own, certProblem] = readCertificates(cert);
  const keyProblem = privateKeyProblem(key);
  const caProblem = clientCa === null ? null : readCertificates(clientCa)[1];
  const problems: CertificateProblem[] = [];
  if (certProblem !== null) problems.push({ option: 'TLS_CERT_FILE', wanted: certProblem });
  if (keyProblem !== null) problems.push({ option: 'TLS_KEY_FILE', wanted: keyProblem });
  if (caProblem !== null) problems.push({ option: 'TLS_CLIENT_CA_FILE', wanted: caProblem });
  if (problems.length > 0 || own === null) return problems;
  if (!own.checkPrivateKey(createPrivateKey(key)))
    return [{ option: 'TLS_KEY_FILE', wanted: 'must hold the key of the first certificate in TLS_CERT_FILE; it holds another' }];
  try {
    createSecureContext({ cert, key, ...(clientCa !== null && { ca: clientCa }) });
    return [];
  } catch (error) {
    return [{ option: 'TLS_CERT_FILE', wanted: `must hold what TLS can be served with (${(error as Error).message})` }];
  }
}

/** The first one, of a text that holds nothing but certificates in PEM and words between them; or what is wrong. */
function readCertificates(pem: string): readonly [first: X509Certificate | null, problem: string | null] {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) return [null, 'must hold a certificate in PEM (-----BEGIN CERTIFICATE-----)'];
  let first: X509Certificate | null = null;
  for (const [index, block] of blocks.entries()) {
    try {
      first ??= new X509Certificate(block);
      if (index > 0) new X509Certificate(block).toString();
    } catch (error) {
      return [null, `must hold certificates in PEM; number ${index + 1} cannot be read (${(error as Error).message})`];
    }
  }
  return [first, null];
}

function privateKeyProblem(pem: string): string | null {
  try {
    createPrivateKey(pem);
    return null;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MISSING_PASSPHRASE') return 'must hold a private key without a passphrase: nobody is there to type it in';
    return `must hold a private key in PEM (${message})`;
  }
}

/** What people look at to see which one is in use. */
export function certificateFacts({ cert }: Certificates): {
  readonly subject: string;
  readonly validTo: string;
  readonly isExpired: boolean;
} {
  const own = new X509Certificate(cert);
  return { subject: own.subjectAltName ?? own.subject, validTo: own.validTo, isExpired: own.validToDate.getTime() < Date.now() };
}
