import type { Log } from '../../core/ports.ts';
import type { Variables } from '../../wire/entries.ts';
import { filled, type NameTemplate } from '../../wire/name-template.ts';

export type NamesOptions = {
  readonly template: NameTemplate;
  /** At most so many different names. */
  readonly most: number;
  /** Names that no event may lead to. */
  readonly reserved: ReadonlySet<string>;
  readonly log: Log;
};

/**
 * The names that the events of a route lead to. What a client sends may decide about them, and each is a stream of its own:
 * so their number is bounded, and what would be one too many goes where the defaults lead.
 */
export class Names {
  readonly #options: NamesOptions;
  readonly #seen = new Set<string>();
  #wasTold = false;

  constructor(options: NamesOptions) {
    this.#options = options;
  }

  get isConstant(): boolean {
    return this.#options.template.isConstant;
  }

  get standard(): string {
    return this.#options.template.standard;
  }

  of(variables: Variables): string {
    const { template, most, reserved, log } = this.#options;
    const name = filled(template, variables);
    if (this.#seen.has(name)) return name;
    if (reserved.has(name)) return template.standard;
    if (this.#seen.size < most) {
      this.#seen.add(name);
      return name;
    }
    if (!this.#wasTold) {
      this.#wasTold = true;
      log.warn({ most, standard: template.standard }, 'events lead to too many names of streams: further ones go to the standard name');
    }
    return template.standard;
  }
}
