import type * as Jetstream from '@nats-io/jetstream';
import type * as Kv from '@nats-io/kv';
import type * as Transport from '@nats-io/transport-node';
import type { Authenticator, Msg, NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** A server that does not answer two of these is gone. */
const PING_MS = 2_000;

export type Libraries = {
  readonly transport: typeof Transport;
  readonly jetstream: typeof Jetstream;
  readonly kv: typeof Kv;
};

export type ConnectionOptions = {
  readonly libraries: Libraries;
  readonly url: string;
  readonly credentials: string | null;
  readonly bucket: string;
  readonly subjects: readonly string[];
  readonly timeoutMs: number;
  readonly received: (message: Msg) => void;
  readonly up: () => void;
  readonly down: (because: string) => void;
};

/** What is there while the server is. */
export type Session = { readonly nats: NatsConnection; readonly kv: Kv.KV; readonly manager: Jetstream.JetStreamManager };

/**
 * The one connection of a process, made anew after each loss: the client's own reconnecting would send later what was
 * answered already. It is up when the subjects are heard and the bucket is there.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  #session: Session | null = null;
  #nats: NatsConnection | null = null;
  #attempts = 0;
  #isClosed = false;
  #wasTold = false;
  #timer: NodeJS.Timeout | null = null;
  #because: string | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Throws while the server is away. */
  get session(): Session {
    if (this.#session === null) throw new Error('the server is away');
    return this.#session;
  }

  /** What the server says is wrong with a request, as against that it did not answer. */
  get apiError(): typeof Jetstream.JetStreamApiError {
    return this.#options.libraries.jetstream.JetStreamApiError;
  }

  get maxBytes(): number {
    return this.#session?.nats.info?.max_payload ?? DEFAULT_MAX_PAYLOAD;
  }

  open(): void {
    void this.#connect();
  }

  reset(because: string): void {
    this.#because = because;
    void this.#nats?.close().catch(() => {});
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#nats?.close().catch(() => {});
  }

  async #connect(): Promise<void> {
    this.#because = null;
    try {
      const { libraries, timeoutMs, subjects, received, bucket, up } = this.#options;
      const nats = await libraries.transport.connect(this.#login());
      this.#nats = nats;
      if (this.#isClosed) {
        await nats.close();
        return;
      }
      void nats.closed().then((error) => this.#lost(this.#because ?? (error instanceof Error ? error.message : 'the connection was lost')));
      for (const subject of subjects) nats.subscribe(subject, { callback: (_error, message) => received(message) });
      const manager = await libraries.jetstream.jetstreamManager(nats, { timeout: timeoutMs });
      const streams = libraries.jetstream.jetstream(nats, { timeout: timeoutMs });
      const kv = await new libraries.kv.Kvm(streams).create(bucket, { history: 1, timeout: timeoutMs });
      await nats.flush();
      if (nats.isClosed()) return;
      this.#session = { nats, kv, manager };
      this.#attempts = 0;
      this.#wasTold = true;
      up();
    } catch (error) {
      const because = this.#because ?? (error as Error).message;
      if (this.#nats === null || this.#nats.isClosed()) this.#lost(because);
      else this.reset(because);
    }
  }

  #lost(because: string): void {
    if (this.#isClosed || this.#timer !== null) return;
    const wasUp = this.#session !== null;
    this.#session = null;
    this.#nats = null;
    this.#attempts += 1;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#attempts, 10)) * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#connect();
    }, pauseMs);
    if (wasUp || !this.#wasTold) this.#options.down(because);
    this.#wasTold = true;
  }

  #login(): NodeConnectionOptions {
    const { url, timeoutMs } = this.#options;
    const urls = url.split(',').map((one) => new URL(one));
    const { protocol, username, password } = urls[0] as URL;
    return {
      servers: urls.map(({ host }) => host),
      reconnect: false,
      timeout: timeoutMs,
      pingInterval: PING_MS,
      maxPingOut: 2,
      ...(protocol === 'tls:' && { tls: {} }),
      ...(username === '' ? this.#fromFile() : login(decodeURIComponent(username), decodeURIComponent(password))),
    };
  }

  /** A `.creds` file, `user:password`, or a token. */
  #fromFile(): { readonly authenticator?: Authenticator; readonly user?: string; readonly pass?: string; readonly token?: string } {
    const { credentials, libraries } = this.#options;
    if (credentials === null) return {};
    if (credentials.includes('BEGIN NATS USER JWT'))
      return { authenticator: libraries.transport.credsAuthenticator(Buffer.from(credentials)) };
    const colon = credentials.indexOf(':');
    return colon < 0 ? { token: credentials } : login(credentials.slice(0, colon), credentials.slice(colon + 1));
  }
}

const DEFAULT_MAX_PAYLOAD = 1_048_576;

/** In a URL a user without a password is a token. */
function login(user: string, password: string): { readonly user?: string; readonly pass?: string; readonly token?: string } {
  return password === '' ? { token: user } : { user, pass: password };
}
