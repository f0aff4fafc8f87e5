/**
 * What somebody within this process keeps for one client, made with its connection: it hears what no event tells. It
 * returns at once and never throws.
 */
export interface Companion {
  /** Does it want to hear of `drained`? Asked once, when the connection begins. */
  readonly hearsDrained: boolean;
  /** The client's unsent bytes went from over half of SEND_BUFFER_BYTES to none. */
  drained(): void;
  /** The gateway leaves, and right after this the client is told goodbye: what is pushed from inside the call still reaches it. Called at most once. */
  leaving(): void;
}
