import { closeCodeClass } from './close-codes.ts';
import type { CloseEvent, Closer, Message, MessageEvent, Refusal } from './events.ts';
import type { Counter, Observer } from './observer.ts';
import { Timings } from './timings.ts';

/** Why a client was refused, where not the backend failed: by the code of the refusal, which may be the backend's own. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['DUPLICATE_ID', 'duplicate-id'],
  ['TOO_MANY_CONNECTIONS', 'limit'],
  ['UNAVAILABLE', 'busy'],
  ['CLIENT_GONE', 'gone'],
  ['BAD_GATEWAY', 'bad-answer'],
]);

/**
 * The observer that counts, since the start of the process. Plain fields, because they are raised on the path of every
 * message; `edge/metrics/` turns them into what Prometheus reads.
 */
export class Meter implements Observer {
  opensAccepted = 0;
  /** By reason, of which there are few. */
  readonly opensRefused = new Map<string, number>();
  /** Upgrade requests over HANDSHAKES_PER_SECOND_PER_IP. */
  handshakesRefused = 0;
  /** Clients without a token that is taken (JWT_JWKS_URI). */
  tokensRefused = 0;
  /** Ends by close code and by who ended it; codes that the gateway does not know by name count as their class. */
  readonly ends = new Map<string, Map<Closer, number>>();
  closesStarted = 0;
  closesDelivered = 0;
  closesRetried = 0;
  closesLost = 0;
  orphansTold = 0;
  messagesReceived = 0;
  messagesDelivered = 0;
  /** Delivered, but the backend answered 4xx or 5xx. */
  messagesComplained = 0;
  messagesRetried = 0;
  /** Given up after BACKEND_RETRY_FOR_MS; the sender was closed with 1011, or had left. */
  messagesUndelivered = 0;
  bytesReceived = 0;
  pushesSent = 0;
  pushesQueued = 0;
  pushesRefused = 0;
  bytesSent = 0;
  slowClientsEnded = 0;
  pingTimeouts = 0;
  /** Calls to backends that ended without a whole answer. */
  backendFailures = 0;
  callsReceived = 0;
  /** Calls of clients that got an error because their time was over. */
  callsExpired = 0;
  callsSent = 0;
  /** Calls of the backend that no client answered in time. */
  callsUnanswered = 0;
  /** Calls of the backend that were still queued when their client left. */
  callsLost = 0;
  /** Answers that came late, twice, or to nothing. */
  answersDropped = 0;
  framesMalformed = 0;
  /** Empty frames, and frames of a type that the client's version does not have. */
  framesIgnored = 0;
  /** Messages from other processes of the cluster that could not be understood. */
  envelopesDropped = 0;
  /** Commands that came by a stream. */
  commandsExecuted = 0;
  /** Those that could not be understood. */
  commandsDropped = 0;
  commandsExpired = 0;
  /** Those that were taken over from a consumer that did not acknowledge them. */
  commandsClaimed = 0;
  /** Clients that were told that the gateway leaves. */
  goodbyesSaid = 0;
  'push sent' = 0;
  'push queued' = 0;
  'push not-found' = 0;
  'push invalid' = 0;
  'push not-text' = 0;
  'push too-long' = 0;
  'push slow' = 0;
  'push unavailable' = 0;
  'push timeout' = 0;
  /** Calls to backends, by event and by how they ended. */
  readonly calls = new Timings();
  /** Questions to other processes, by what was asked and how it ended. */
  readonly roundTrips = new Timings();

  opened(): void {
    this.opensAccepted += 1;
  }

  refused(refusal: Refusal): void {
    const reason = refusal.failure?.reason ?? REASONS.get(refusal.code) ?? 'refused';
    this.opensRefused.set(reason, (this.opensRefused.get(reason) ?? 0) + 1);
  }

  received({ data }: MessageEvent): void {
    this.messagesReceived += 1;
    this.bytesReceived += data.length;
  }

  /** What comes of a message is counted by those who know more of it (`counted`). */
  answered(): void {}

  pushed(_party: unknown, { data }: Message): void {
    this.pushesSent += 1;
    this.bytesSent += data.length;
  }

  pushRefused(): void {
    this.pushesRefused += 1;
  }

  closed({ code, by = 'gateway' }: CloseEvent): void {
    this.closesStarted += 1;
    const name = closeCodeClass(code);
    let closers = this.ends.get(name);
    if (closers === undefined) this.ends.set(name, (closers = new Map()));
    closers.set(by, (closers.get(by) ?? 0) + 1);
  }

  counted(counter: Counter, amount: number): void {
    this[counter] += amount;
  }
}
