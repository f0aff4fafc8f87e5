/** What Node's TLS says of a certificate whose issuer it does not trust. */
const STRANGERS: ReadonlySet<string> = new Set([
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Why a connection failed, in a few words, without what was asked. */
export function reasonOf({ message, code }: Error & { readonly code?: string | number }): string {
  if (STRANGERS.has(String(code)))
    return `no CA that is trusted here vouches for its certificate (${message}; NODE_EXTRA_CA_CERTS adds a CA)`;
  return message || String(code ?? '') || 'the connection was lost';
}
