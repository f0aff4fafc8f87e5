/** A two-way channel to another process of the same node. Messages arrive in order, each whole, or not at all. */
export interface Link {
  /** `written` is called when the message would survive this process. */
  send(message: object, written?: () => void): void;
  onMessage(handler: (message: object) => void): void;
}
