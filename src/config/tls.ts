import { readFileSync } from 'node:fs';
import { CERTIFICATE_OPTIONS, certificateProblems, type Certificates } from './certificates.ts';
import { decodeText } from './text-file.ts';

type TlsSettings = {
  readonly TLS_CERT_FILE?: string | undefined;
  readonly TLS_KEY_FILE?: string | undefined;
  readonly TLS_CLIENT_CA_FILE?: string | undefined;
};

/** The files in the order in which they are read and watched. */
export function tlsFiles({ TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE }: TlsSettings): string[] {
  return [TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE].filter((file) => file !== undefined);
}

/** What those files hold. */
export function certificatesIn([cert, key, clientCa]: readonly Uint8Array[]): Certificates {
  return {
    cert: cert === undefined ? '' : decodeText(cert),
    key: key === undefined ? '' : decodeText(key),
    clientCa: clientCa === undefined ? null : decodeText(clientCa),
  };
}

/** Null where TLS is off. `problems` gets a line for every mistake. */
export function readTls(settings: TlsSettings, problems: string[]): readonly Buffer[] | null {
  const { TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE } = settings;
  if (TLS_CERT_FILE === undefined && TLS_KEY_FILE === undefined) {
    if (TLS_CLIENT_CA_FILE !== undefined)
      problems.push('TLS_CLIENT_CA_FILE: needs TLS_CERT_FILE and TLS_KEY_FILE beside it: without TLS no client has a certificate');
    return null;
  }
  if (TLS_CERT_FILE === undefined) problems.push('TLS_CERT_FILE: is needed beside TLS_KEY_FILE, nothing came');
  if (TLS_KEY_FILE === undefined) problems.push('TLS_KEY_FILE: is needed beside TLS_CERT_FILE, nothing came');
  const files: Buffer[] = [];
  for (const option of Object.keys(CERTIFICATE_OPTIONS) as (keyof typeof CERTIFICATE_OPTIONS)[]) {
    const file = settings[option];
    if (file === undefined) continue;
    try {
      files.push(readFileSync(file));
    } catch (error) {
      problems.push(`${option}: must be a file that this process may read (${(error as Error).message}), came ${JSON.stringify(file)}`);
    }
  }
  if (files.length < tlsFiles(settings).length || TLS_CERT_FILE === undefined || TLS_KEY_FILE === undefined) return null;
  for (const { option, wanted } of certificateProblems(certificatesIn(files)))
    problems.push(`${option}: ${wanted}, came ${JSON.stringify(settings[option])}`);
  return files;
}
