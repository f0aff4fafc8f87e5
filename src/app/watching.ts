import { certificateProblems, certificateFacts } from '../config/certificates.ts';
import { FileWatch } from '../config/file-watch.ts';
import { readers, type OptionForm } from '../config/forms.ts';
import { rereadSecret } from '../config/secret-files.ts';
import { certificatesIn, tlsFiles } from '../config/tls.ts';
import type { Clock } from '../core/ports.ts';
import type { ControlTokens } from '../edge/control/tokens.ts';
import { renewCertificates } from '../edge/server/secure.ts';
import type { WebhookSigner } from '../wire/signing.ts';
import type { Base } from './base.ts';
import type { Servers } from './servers.ts';

/** What takes the place of what was read at the start. */
type Replaceable = {
  readonly clock: Clock;
  readonly tokens: ControlTokens;
  /** Null: nothing is signed. */
  readonly signer: WebhookSigner | null;
};

/** Watches the files of certificates and of those secrets that may be replaced while the gateway serves. */
export function watchFiles({ config, log }: Base, servers: Servers, { clock, tokens, signer }: Replaceable): FileWatch {
  const watch = new FileWatch({ clock, log });
  if (config.tlsContents !== null) {
    complainOfExpiry(config.tlsContents);
    watch.add({
      paths: tlsFiles(config),
      inUse: config.tlsContents,
      use(contents) {
        const certificates = certificatesIn(contents);
        const problems = certificateProblems(certificates);
        if (problems.length > 0) return problems.map(({ option, wanted }) => `${option}: ${wanted}`).join('; ');
        for (const { server } of new Set([servers.publicServer, servers.controlServer])) renewCertificates(server, certificates);
        log.info(certificateFacts(certificates), 'certificate in use');
        complainOfExpiry(contents);
        return null;
      },
    });
  }
  watchSecret<readonly string[]>('CONTROL_TOKEN', 'list', (list) => tokens.replace('admin', list));
  watchSecret<readonly string[]>('CONTROL_PUSH_TOKEN', 'list', (list) => tokens.replace('push', list));
  watchSecret<readonly string[]>('CONTROL_READ_TOKEN', 'list', (list) => tokens.replace('read', list));
  watchSecret<readonly Buffer[]>('WEBHOOK_SECRETS', 'webhook-secrets', (secrets) => signer?.replace(secrets));
  return watch;

  function watchSecret<Value>(name: string, form: OptionForm, replace: (value: Value) => void): void {
    const file = config.secretFiles.get(name);
    if (file === undefined) return;
    watch.add({
      paths: [file.path],
      inUse: [file.content],
      use(contents) {
        const reading = rereadSecret(contents[0] ?? Buffer.alloc(0), readers[form]);
        if (typeof reading === 'string') return `${name}: ${reading}`;
        replace(reading.value as Value);
        return null;
      },
    });
  }

  function complainOfExpiry(contents: readonly Uint8Array[]): void {
    const facts = certificateFacts(certificatesIn(contents));
    if (Date.parse(facts.validTo) < clock.date()) log.error(facts, 'the certificate of TLS_CERT_FILE has expired: clients will turn away');
  }
}
