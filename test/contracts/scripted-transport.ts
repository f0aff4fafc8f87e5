import type { BackendAnswer, BackendCall, BackendFailure, BackendResult, Transport } from '../../src/wire/calls.ts';
import type { Receiver } from '../../src/core/ports.ts';

export const ANSWER_204: BackendAnswer = { type: 'answer', status: 204, headers: {}, body: Buffer.alloc(0) };
export const UNREACHABLE: BackendFailure = { type: 'failure', reason: 'unreachable', wasSent: false, detail: 'scripted' };

export type HeldCall = { readonly call: BackendCall; readonly receiver: Receiver<BackendResult>; readonly waitUntil: number };

/** Holds every call until the test settles it, oldest first. */
export class ScriptedTransport implements Transport {
  readonly held: HeldCall[] = [];
  /** Every call ever made. */
  readonly all: BackendCall[] = [];
  closes = 0;

  call(call: BackendCall, receiver: Receiver<BackendResult>, waitUntil: number): void {
    this.all.push(call);
    this.held.push({ call, receiver, waitUntil });
  }

  close(): Promise<void> {
    this.closes += 1;
    this.settleAll({ type: 'failure', reason: 'stopped', wasSent: true, detail: 'scripted' });
    return Promise.resolve();
  }

  settle(result: BackendResult): void {
    const next = this.held.shift();
    if (next === undefined) throw new Error('no call is held');
    next.receiver.settled(result);
  }

  settleAll(result: BackendResult): void {
    for (const { receiver } of this.held.splice(0)) receiver.settled(result);
  }
}
