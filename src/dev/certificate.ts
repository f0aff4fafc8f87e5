import { generate } from 'selfsigned';

export type Certificate = { readonly cert: string; readonly key: string };

const DAY_MS = 86_400_000;
const DAYS = 30;

/**
 * A certificate of its own for this machine, made at the start and kept in memory: the key is written nowhere. It is no authority,
 * so that whoever trusts it trusts this one server only.
 */
export async function developmentCertificate(): Promise<Certificate> {
  const now = Date.now();
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - DAY_MS), // clocks of containers may lag
    notAfterDate: new Date(now + DAYS * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 2, value: 'host.docker.internal' }, // what a container calls the machine
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return { cert, key };
}
