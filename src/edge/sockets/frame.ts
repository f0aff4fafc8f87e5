/** What is up to this long is copied to leave in one piece: to copy more costs more than it saves. */
export const COPIED_BYTES = 4_096;

/** A whole, unmasked frame as a server sends it (RFC 6455 §5.2): for messages that go to many sockets. */
export function encodeFrame(data: Buffer, isBinary: boolean): Buffer {
  const { length } = data;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + extra + length);
  frame[0] = isBinary ? 0x82 : 0x81;
  if (extra === 0) {
    frame[1] = length;
  } else if (extra === 2) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  data.copy(frame, 2 + extra);
  return frame;
}
