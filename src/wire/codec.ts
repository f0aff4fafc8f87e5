import type { CloseEvent, CloseVerdict, MessageEvent, MessageVerdict, OpenEvent, OpenVerdict } from '../core/events.ts';
import type { IntakeFactory } from '../core/intake.ts';
import type { Route } from '../core/route.ts';
import type { BackendCall, BackendResult, Transport } from './calls.ts';
import type { EntryCodec } from './entries.ts';
import type { StreamTarget } from './stream-targets.ts';
import type { FunctionHost } from './functions.ts';

/** How a dialect tells of a connection's begin and end, as pure functions: no I/O, no state, no exception for any input. */
export interface LifeCodec {
  encodeOpen(event: OpenEvent): BackendCall;
  decodeOpen(event: OpenEvent, result: BackendResult): OpenVerdict;
  encodeClose(event: CloseEvent): BackendCall;
  decodeClose(event: CloseEvent, result: BackendResult): CloseVerdict;
}

/** One HTTP contract, as pure functions. */
export interface Codec extends LifeCodec {
  encodeMessage(event: MessageEvent): BackendCall;
  decodeMessage(event: MessageEvent, result: BackendResult): MessageVerdict;
}

/** How a dialect speaks with a backend over HTTP: its messages are opaque and the codec knows them, or it brings an intake of its own. */
export type HttpSpeech = { readonly type: 'http' } & (
  | { readonly codec: Codec; readonly intake: null }
  | { readonly codec: LifeCodec; readonly intake: (transport: Transport) => IntakeFactory }
);

/** With code in this process nothing is encoded. */
export type HandlersSpeech = { readonly type: 'handlers' };

/** How a dialect calls functions: it answers the events itself, and is given what runs them. */
export type FunctionSpeech = {
  readonly type: 'functions';
  readonly serve: (host: FunctionHost) => Promise<Pick<Route, 'backend' | 'intake'>>;
};

/** How a dialect writes events into a stream, and which one. */
export type EntriesSpeech = { readonly type: 'entries'; readonly codec: EntryCodec; readonly target: StreamTarget };

/** How a dialect speaks with a backend. Each type has its line in backends/index.ts. */
export type Speech = HttpSpeech | FunctionSpeech | EntriesSpeech | HandlersSpeech;
