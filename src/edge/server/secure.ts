import type { Server } from 'node:http';
import type { Server as TlsServer, TlsOptions } from 'node:tls';

/** What TLS is served with, as PEM (config/certificates.ts has checked it). */
export type ServerCertificates = { readonly cert: string; readonly key: string; readonly clientCa: string | null };

export type Secured = {
  readonly certificates: ServerCertificates;
  /** Is the control API behind this server? Then callers are asked for a certificate. */
  readonly hasControl: boolean;
  readonly handshakeTimeoutMs: number;
};

/**
 * Everybody is asked for a certificate where callers of the control API must have one, and nobody is turned away for want of
 * it: clients on a shared port need none, nor do probes. The guard of the control API judges what came (control/client-certificate.ts).
 */
export function tlsOptions({ certificates, hasControl, handshakeTimeoutMs }: Secured): TlsOptions {
  return {
    ...contextOf(certificates),
    handshakeTimeout: handshakeTimeoutMs, // Node's own are two minutes
    requestCert: hasControl && certificates.clientCa !== null,
    rejectUnauthorized: false,
  };
}

/** For handshakes from now on; open connections keep what they were made with. */
export function renewCertificates(server: Server, certificates: ServerCertificates): void {
  (server as unknown as TlsServer).setSecureContext(contextOf(certificates));
}

function contextOf({ cert, key, clientCa }: ServerCertificates): TlsOptions {
  return { cert, key, minVersion: 'TLSv1.2', ...(clientCa !== null && { ca: clientCa }) };
}
