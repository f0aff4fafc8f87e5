import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Chatter } from './chatter.ts';
import type { ClusterNode } from './cluster.ts';

/** One stay at a node, from the answer to the upgrade request on. */
export type Stay = { readonly node: string; readonly pid: number; readonly chatter: Chatter };

const PAUSE_MS = 20;

/** A client that goes to another node whenever it is dropped, until it is told to leave. */
export class Wanderer {
  readonly stays: Stay[] = [];
  readonly #options: { readonly t: Pick<TestContext, 'after'>; readonly name: string; readonly choose: () => ClusterNode | undefined };
  #hasLeft = false;
  #isIn: (() => void) | null = null;
  readonly done: Promise<void>;

  /** `choose` says where to go next; nowhere: it waits. */
  constructor(t: Pick<TestContext, 'after'>, name: string, choose: () => ClusterNode | undefined) {
    this.#options = { t, name, choose };
    this.done = this.#wander();
  }

  /** Resolves when it is in. */
  async in(): Promise<void> {
    if (this.#now === undefined) await new Promise<void>((resolve) => (this.#isIn = resolve));
  }

  say(): void {
    this.#now?.say();
  }

  async leave(): Promise<void> {
    this.#hasLeft = true;
    this.#now?.leave();
    await this.done;
  }

  get #now(): Chatter | undefined {
    const chatter = this.stays.at(-1)?.chatter;
    return chatter?.isTalking === true ? chatter : undefined;
  }

  async #wander(): Promise<void> {
    const { t, name, choose } = this.#options;
    for (let trip = 0; !this.#hasLeft; trip += 1) {
      const node = choose();
      if (node !== undefined) {
        const { wsUrl, pid } = node.gateway;
        const chatter = new Chatter(t, wsUrl, { name: `${name}-${trip}`, hasLastWord: true });
        const entry = await chatter.entry.catch(() => null);
        if (entry?.status === 101) {
          this.stays.push({ node: node.name, pid, chatter });
          this.#isIn?.();
          if (this.#hasLeft) chatter.leave();
          await chatter.ended;
          continue;
        }
      }
      await sleep(PAUSE_MS);
    }
  }
}
