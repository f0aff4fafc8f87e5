/**
 * Counters of one process since its start. Plain fields, because they are raised on the path of every message;
 * `control/metrics.ts` turns them into Prometheus text.
 */
export class Meter {
  opensAccepted = 0;
  opensRefused = 0;
  closesStarted = 0;
  closesDelivered = 0;
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
}
