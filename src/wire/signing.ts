import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { BackendCall, Signer } from './calls.ts';

/**
 * Standard Webhooks (https://www.standardwebhooks.com): `webhook-id` is the event's id, equal on every repetition;
 * `webhook-timestamp` the time of this one, in seconds; `webhook-signature` one HMAC-SHA256 for each secret, of id, time and the
 * body's bytes. What has no event id is not signed. The secrets may be replaced at any time.
 */
export class WebhookSigner implements Signer {
  readonly #date: () => number;
  #keys: readonly KeyObject[] = [];

  /** `secrets`: the bytes of each; none: nothing is signed. `date`: epoch ms. */
  constructor(secrets: readonly Uint8Array[], date: () => number) {
    this.#date = date;
    this.replace(secrets);
  }

  replace(secrets: readonly Uint8Array[]): void {
    this.#keys = secrets.map((secret) => createSecretKey(secret));
  }

  headersOf({ headers, body }: Pick<BackendCall, 'headers' | 'body'>): string[] {
    const at = headers.indexOf('ws-event-id');
    if (at < 0) return headers; // it tells of no event: AWS Lambda, for one, has a signature of its own
    const id = headers[at + 1] ?? '';
    const timestamp = String(Math.floor(this.#date() / 1_000));
    const start = `${id}.${timestamp}.`;
    const signatures = this.#keys.map((key) => {
      const hmac = createHmac('sha256', key).update(start);
      if (body !== null) hmac.update(body);
      return `v1,${hmac.digest('base64')}`;
    });
    return headers.concat('webhook-id', id, 'webhook-timestamp', timestamp, 'webhook-signature', signatures.join(' '));
  }
}
