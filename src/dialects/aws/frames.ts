import type { Message } from '../../core/events.ts';

/** What the gateway itself tells a client of a message, in AWS's words. */
export const FRAME_MESSAGES = {
  failed: 'Internal server error',
  timedOut: 'Endpoint request timed out',
  noRoute: 'Forbidden',
  throttled: 'Too Many Requests',
} as const;

export type FrameMessage = (typeof FRAME_MESSAGES)[keyof typeof FRAME_MESSAGES];

/** The text of such a frame, with a space behind the first colon and none behind the others, as AWS writes it. */
export function errorText(message: string, connectionId: string, requestId: string): string {
  return `{"message": ${JSON.stringify(message)}, "connectionId":${JSON.stringify(connectionId)}, "requestId":${JSON.stringify(requestId)}}`;
}

export function errorFrame(message: FrameMessage, connectionId: string, requestId: string): Message {
  return { data: Buffer.from(errorText(message, connectionId, requestId)), isBinary: false };
}
