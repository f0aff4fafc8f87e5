import type { Context } from './context.ts';

export type Callback = (error?: unknown, value?: unknown) => void;
export type Handler = (event: unknown, context: Context, callback: Callback) => unknown;

/** What became of a call. */
export type CallEnd = { readonly type: 'returned'; readonly value: unknown } | { readonly type: 'threw'; readonly error: unknown };

/**
 * One run of a handler, whichever style it has: it returns a value or a promise, calls back, or uses the context's `done`,
 * `succeed` and `fail`. The first end counts.
 */
export class Call {
  readonly #ended: (end: CallEnd) => void;
  #isOver = false;
  /** Given to the callback, and held until the process has nothing left to do. */
  #held: CallEnd | null = null;
  #isPromised = false;

  constructor(ended: (end: CallEnd) => void) {
    this.#ended = ended;
  }

  start(handler: Handler, { event, context }: { readonly event: unknown; readonly context: Context }): void {
    context.bind((error, value) => this.#end(error, value));
    try {
      const returned = handler(event, context, (error, value) => this.#calledBack(context, error, value));
      if (isPromise(returned)) this.#await(returned);
      else if (returned !== undefined) this.#settle({ type: 'returned', value: returned });
    } catch (error) {
      this.#settle({ type: 'threw', error });
    }
  }

  /** The process has nothing left to do: no end can come any more. */
  idle(): void {
    if (this.#held !== null) this.#settle(this.#held);
    else if (this.#isPromised)
      this.#settle({ type: 'threw', error: new NeverSettled('the handler ended with a promise that nothing settles') });
    else this.#settle({ type: 'returned', value: null }); // as AWS answers for a handler that neither returns nor calls back
  }

  fail(error: unknown): void {
    this.#settle({ type: 'threw', error });
  }

  #await(promise: PromiseLike<unknown>): void {
    this.#isPromised = true;
    promise.then(
      (value) => this.#settle({ type: 'returned', value }),
      (error: unknown) => this.#settle({ type: 'threw', error }),
    );
  }

  #calledBack(context: Context, error: unknown, value: unknown): void {
    if (isError(error) || !context.callbackWaitsForEmptyEventLoop) this.#end(error, value);
    else this.#held ??= { type: 'returned', value };
  }

  #end(error: unknown, value: unknown): void {
    this.#settle(isError(error) ? { type: 'threw', error } : { type: 'returned', value });
  }

  #settle(end: CallEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ended(end);
  }
}

class NeverSettled extends Error {
  override readonly name = 'Runtime.NodeJsExit';
}

function isError(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
