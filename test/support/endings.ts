import { BINARY, CLOSE, closeFrame, CONTINUATION, frame, PING, TEXT } from './raw-socket.ts';

/** Every way in which a client can end its connection by bytes, where messages may have 1,000: what it sends, the code in the frame that it gets, the code that the backend is told. */
export const ENDINGS: readonly (readonly [what: string, bytes: Buffer, answered: number | null, told: number])[] = [
  ['a close frame 1000', closeFrame(1000, 'done'), 1000, 1000],
  ['a close frame 1001', closeFrame(1001), 1001, 1001],
  ['a close frame 4321 with a reason', closeFrame(4321, 'mine'), 4321, 4321],
  ['a close frame without a code', frame(CLOSE), 0, 1005],
  ['a close frame with half a code', frame(CLOSE, Buffer.from([3])), 1002, 1002],
  ['a close frame with a code that may not be sent', closeFrame(1006), 1002, 1002],
  ['a close frame with a reason that is no UTF-8', frame(CLOSE, Buffer.from([3, 232, 0xc3, 0x28])), 1007, 1007],
  ['a text frame over the limit', frame(TEXT, 'x'.repeat(1_001)), 1009, 1009],
  [
    'fragments over the limit',
    Buffer.concat([frame(BINARY, 'x'.repeat(600), { fin: false }), frame(CONTINUATION, 'x'.repeat(401))]),
    1009,
    1009,
  ],
  ['only the head of a frame of 2^62 bytes', Buffer.from([0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]), 1009, 1009],
  ['text that is no UTF-8', frame(TEXT, Buffer.from([0xc3, 0x28])), 1007, 1007],
  ['an unmasked frame', frame(TEXT, 'x', { masked: false }), 1002, 1002],
  ['a reserved opcode', frame(3, 'x'), 1002, 1002],
  ['a reserved control opcode', frame(11), 1002, 1002],
  ['a reserved bit', frame(0x40 | TEXT, 'x'), 1002, 1002],
  ['a fragmented ping', frame(PING, '', { fin: false }), 1002, 1002],
  ['a ping over 125 bytes', frame(PING, 'x'.repeat(126)), 1002, 1002],
  ['a continuation of nothing', frame(CONTINUATION, 'x'), 1002, 1002],
  ['a new message within a message', Buffer.concat([frame(TEXT, 'x', { fin: false }), frame(TEXT, 'y')]), 1002, 1002],
];
