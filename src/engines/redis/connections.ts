import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { reasonOf } from '../reason.ts';
import type { Address } from './address.ts';
import { clientOptions } from './client-options.ts';
import { SCRIPTS, type ScriptName } from './scripts.ts';

const SHAS = Object.fromEntries(Object.entries(SCRIPTS).map(([name, text]) => [name, createHash('sha1').update(text).digest('hex')])) as {
  readonly [Name in ScriptName]: string;
};

export type ConnectionsOptions = {
  readonly client: typeof Redis;
  readonly address: Address;
  readonly channels: readonly string[];
  /** A command that takes longer has failed. */
  readonly timeoutMs: number;
  readonly up: () => void;
  readonly down: (because: string) => void;
  readonly received: (bytes: Buffer) => void;
  /** This server can never be used, and why. */
  readonly refused: (because: string) => void;
};

/** The two connections of a process: one for commands, one that listens. They are up when both are. */
export class Connections {
  readonly commands: Redis;
  readonly #listening: Redis;
  readonly #options: ConnectionsOptions;
  #isUp = false;
  #wasTold = false;
  #isClosed = false;
  #areCommandsReady = false;
  #isListening = false;
  #because = 'the connection was lost';

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    const { client: Client, address, timeoutMs } = options;
    const common = { ...clientOptions(address, timeoutMs), commandTimeout: timeoutMs };
    this.commands = new Client(common);
    this.#listening = new Client(common);
    this.commands.on('ready', () => void this.#prepare());
    this.#listening.on('ready', () => void this.#listen());
    this.#listening.on('messageBuffer', (_channel: Buffer, message: Buffer) => options.received(message));
    for (const connection of [this.commands, this.#listening]) {
      connection.on('error', (error: Error) => {
        this.#because = reasonOf(error);
        if (!this.#wasTold) this.#lost(connection); // where no Sentinel answers there is no connection to close
      });
      connection.on('close', () => this.#lost(connection));
    }
  }

  open(): void {
    for (const connection of [this.commands, this.#listening]) connection.connect().catch(() => {}); // it tries again, `close` tells of it
  }

  async run(name: ScriptName, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    return this.commands.call('EVALSHA', SHAS[name], keys.length, ...keys, ...values);
  }

  reset(because: string): void {
    this.#because = because;
    for (const connection of [this.commands, this.#listening]) connection.disconnect(true);
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of [this.commands, this.#listening]) connection.disconnect();
  }

  /** Redis forgets scripts when it restarts; loaded here, commands and scripts keep their order. */
  async #prepare(): Promise<void> {
    try {
      const facts = await this.commands.info('cluster').catch(() => ''); // an ACL may forbid it
      if (facts.includes('cluster_enabled:1')) {
        this.#options.refused(
          'this Redis is a Redis Cluster, whose classic pub/sub sends every message to every node; name a single primary, or Sentinels',
        );
        return;
      }
      for (const script of Object.values(SCRIPTS)) await this.commands.script('LOAD', script);
      this.#areCommandsReady = true;
      this.#check();
    } catch (error) {
      this.#failed(error);
    }
  }

  async #listen(): Promise<void> {
    try {
      await this.#listening.subscribe(...this.#options.channels);
      this.#isListening = true;
      this.#check();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (!this.#isClosed) this.reset(reasonOf(error as Error));
  }

  #check(): void {
    if (this.#isUp || !this.#areCommandsReady || !this.#isListening || this.#isClosed) return;
    this.#isUp = true;
    this.#wasTold = true;
    this.#options.up();
  }

  #lost(connection: Redis): void {
    if (connection === this.commands) this.#areCommandsReady = false;
    else this.#isListening = false;
    if (this.#isClosed || (!this.#isUp && this.#wasTold)) return;
    this.#isUp = false;
    this.#wasTold = true;
    this.#options.down(this.#because);
  }
}
