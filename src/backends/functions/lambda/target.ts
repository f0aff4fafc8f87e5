import type { Clock, Log, Receiver } from '../../../core/ports.ts';
import type { AnswerHeaders, BackendFailure, BackendResult, Transport } from '../../../wire/calls.ts';
import type { FunctionCall, FunctionResult, FunctionTarget } from '../../../wire/functions.ts';
import type { TargetSpec } from '../../../wire/targets.ts';
import { withoutEndSlashes } from '../../../wire/ws-uris.ts';
import { profileOf } from '../profiles.ts';
import { readThrown, threw } from '../thrown.ts';
import { STOPPED, tooMany, Waiting } from '../waiting.ts';
import { createSigner, type Signer, type SignerOptions } from './signing.ts';

/** The function could not be run now: it may be asked again. */
const THROTTLED = 429;
/** Why there are no credentials is logged this seldom. */
const LOG_EVERY_MS = 10_000;

export type LambdaOptions = SignerOptions & {
  /** Of the Invoke API: AWS's own for the region, or of what stands in for it. */
  readonly url: URL;
  /** Name, partial or full ARN. */
  readonly functionName: string;
  /** Version or alias. */
  readonly qualifier: string | null;
  /** To the URL's origin. */
  readonly transport: Transport;
  /** Calls that are signed or run at the same time. */
  readonly maxCalls: number;
  readonly clock: Clock;
  readonly log: Log;
};

export const LAMBDA_DEFAULTS = { maxCalls: 10_000 } as const;

/** Where AWS serves the Invoke API of a region. */
export function lambdaUrl(region: string): URL {
  return new URL(`https://lambda.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`);
}

type LambdaParts = Pick<LambdaOptions, 'clock' | 'log'> & {
  readonly transportTo: (origin: string) => Transport;
  readonly environment: Readonly<Record<string, string | undefined>>;
};

/** Throws where nothing says which region the function is in. */
export function openLambda(
  { function: functionName, qualifier, region: given, url: written }: Extract<TargetSpec, { type: 'lambda' }>,
  { transportTo, environment, clock, log }: LambdaParts,
): LambdaTarget {
  const [, ofArn] = /^arn:[^:]+:lambda:([^:]+):/.exec(functionName) ?? [];
  const region = given ?? ofArn ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'];
  if (region === undefined) throw new Error(`the target lambda:${functionName} must have a region, here or in AWS_REGION`);
  const url = written === null ? lambdaUrl(region) : new URL(written);
  return new LambdaTarget({ ...LAMBDA_DEFAULTS, url, functionName, qualifier, region, transport: transportTo(url.origin), clock, log });
}

/** A function on AWS Lambda, or on what speaks its Invoke API. Each call is signed (SigV4) with the credentials of the environment. */
export class LambdaTarget implements FunctionTarget {
  readonly #options: LambdaOptions;
  readonly #url: URL;
  readonly #running = new Set<Waiting>();
  #signer: Promise<Signer> | null = null;
  #loggedAt = -Infinity;
  #isStopped = false;

  constructor(options: LambdaOptions) {
    const { url, functionName, qualifier } = options;
    this.#options = options;
    this.#url = new URL(`${withoutEndSlashes(url.pathname)}/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`, url);
    if (qualifier !== null) this.#url.searchParams.set('Qualifier', qualifier);
  }

  invoke(call: FunctionCall, receiver: Receiver<FunctionResult>, waitUntil: number): void {
    const { clock, maxCalls } = this.#options;
    const waiting = new Waiting(call, { receiver, clock, waitUntil, expired: (one) => void this.#running.delete(one) });
    if (this.#isStopped) waiting.settleSoon(STOPPED);
    else if (this.#running.size >= maxCalls) waiting.settleSoon(tooMany(maxCalls, `function ${this.#options.functionName}`));
    else {
      this.#running.add(waiting);
      void this.#send(waiting);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const waiting of this.#running) waiting.stop();
    this.#running.clear();
  }

  async #send(waiting: Waiting): Promise<void> {
    const { call, waitUntil } = waiting;
    const headers = await this.#signed(call);
    if (waiting.isOver) return; // it took too long to get credentials
    if ('type' in headers) {
      this.#settle(waiting, headers);
      return;
    }
    waiting.begins();
    const request = { profile: profileOf(call), path: this.#url.pathname + this.#url.search, headers: [...headers], body: call.payload };
    this.#options.transport.call(request, { settled: (result) => this.#settle(waiting, resultOf(result)) }, waitUntil);
  }

  async #signed(call: FunctionCall): Promise<readonly string[] | BackendFailure> {
    try {
      this.#signer ??= createSigner(this.#options);
      const signer = await this.#signer;
      const headers = { 'content-type': 'application/json', 'x-amz-invocation-type': 'RequestResponse' };
      const signed = await signer.sign({ url: this.#url, headers, body: call.payload });
      return Object.entries(signed).flatMap(([name, value]) => [name, value]);
    } catch (error) {
      const detail = `the call cannot be signed: ${error instanceof Error ? error.message : String(error)}`;
      this.#complain(detail);
      return { type: 'failure', reason: 'unreachable', wasSent: false, detail };
    }
  }

  #settle(waiting: Waiting, result: FunctionResult): void {
    this.#running.delete(waiting);
    waiting.settled(result);
  }

  #complain(because: string): void {
    const { clock, log, functionName } = this.#options;
    if (clock.now() - this.#loggedAt < LOG_EVERY_MS) return;
    this.#loggedAt = clock.now();
    log.error({ function: functionName, because }, 'a function cannot be called');
  }
}

function resultOf(result: BackendResult): FunctionResult {
  if (result.type === 'failure') return result;
  const { status, headers, body } = result;
  if (status >= 200 && status < 300) {
    if (headers['x-amz-function-error'] === undefined) return { type: 'returned', payload: body };
    return readThrown(body) ?? threw('Error', body.toString('utf8', 0, 1_024));
  }
  const errorType = errorTypeOf(headers);
  const message = `${errorType}: ${messageOf(body)}`;
  if (status === THROTTLED)
    return { type: 'failure', reason: 'unreachable', wasSent: false, isRefusal: true, detail: `throttled, ${message}` };
  if (status >= 500) return { type: 'failure', reason: 'reset', wasSent: true, detail: `status ${status}, ${message}` };
  return { ...threw(errorType, message), isRefusal: true };
}

/** `ResourceNotFoundException:http://…` on some of those who speak for AWS. */
function errorTypeOf(headers: AnswerHeaders): string {
  const value = headers['x-amzn-errortype'];
  return typeof value === 'string' ? (value.split(':')[0] ?? '') : 'UnknownError';
}

function messageOf(body: Buffer): string {
  try {
    const value = JSON.parse(body.toString()) as { readonly message?: unknown; readonly Message?: unknown };
    const message = value.message ?? value.Message;
    if (typeof message === 'string') return message.slice(0, 1_024);
  } catch {
    // it is no JSON
  }
  return body.toString('utf8', 0, 200);
}
