import { shown } from '../backends/handlers/frames.ts';
import { LIMIT_OPTIONS, type LiveLimit } from '../config/limits.ts';
import { options } from '../config/options.ts';
import type { Limits } from '../core/limits.ts';
import type { GatewayLimits } from './surface.ts';

/** Where they are kept. */
export type LimitsHolder = {
  readonly limits: () => Pick<Limits, LiveLimit>;
  readonly relimit: (changes: Partial<Pick<Limits, LiveLimit>>) => Promise<void>;
};

/** Limits that can be read and set like properties. */
export class LiveLimits implements GatewayLimits {
  readonly #holder: LimitsHolder;

  constructor(holder: LimitsHolder) {
    this.#holder = holder;
  }

  get maxMessageBytes(): number {
    return this.#holder.limits().maxMessageBytes;
  }

  set maxMessageBytes(bytes: number) {
    void this.#holder.relimit({ maxMessageBytes: checked('maxMessageBytes', bytes) });
  }

  get idleTimeoutMs(): number {
    return this.#holder.limits().idleTimeoutMs;
  }

  set idleTimeoutMs(ms: number) {
    void this.#holder.relimit({ idleTimeoutMs: checked('idleTimeoutMs', ms) });
  }
}

function checked(name: LiveLimit, value: number): number {
  const option = LIMIT_OPTIONS[name];
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = options[option] as { minimum?: number; maximum?: number };
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw new RangeError(`${name} (${option}) must be a whole number from ${minimum} to ${maximum}, ${shown(value)} came`);
}
