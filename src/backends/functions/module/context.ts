import type { Load } from './words.ts';

export type Done = (error: unknown, value?: unknown) => void;

/** The second argument of a handler, as AWS Lambda's runtime for Node.js makes it. */
export class Context {
  /** False: what the callback is given is the answer at once, whatever the process has still to do. */
  callbackWaitsForEmptyEventLoop = true;
  readonly awsRequestId: string;
  readonly functionName: string;
  readonly functionVersion = '$LATEST';
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
  readonly #endsAt: number;
  #done: Done = () => {};

  constructor(load: Load, { requestId, timeoutMs }: { readonly requestId: string; readonly timeoutMs: number }) {
    this.awsRequestId = requestId;
    this.functionName = load.functionName;
    this.invokedFunctionArn = `arn:aws:lambda:${load.region}:000000000000:function:${load.functionName}`;
    this.memoryLimitInMB = String(load.memoryMb);
    this.logGroupName = `/aws/lambda/${load.functionName}`;
    this.logStreamName = `${load.functionName}/${process.pid}`;
    this.#endsAt = performance.now() + timeoutMs;
  }

  /** Handlers take these off the object, so that they need no `this`. */
  readonly getRemainingTimeInMillis = (): number => Math.max(0, Math.round(this.#endsAt - performance.now()));
  readonly done: Done = (error, value) => this.#done(error, value);
  readonly succeed = (value?: unknown): void => this.#done(null, value);
  readonly fail = (error?: unknown): void => this.#done(error ?? 'handled');

  /** Where an end goes that the handler tells by `done`, `succeed` or `fail`. */
  bind(done: Done): void {
    this.#done = done;
  }
}
