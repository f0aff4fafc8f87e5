import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientFrame, MessageForm } from '../../bench/load/message.ts';

const numbers = { client: 4_711, sequence: 12, dueUs: 987_654_321 };

test('a message is read as it was written', () => {
  const form = new MessageForm('D', 64);
  const text = form.text(numbers);
  assert.match(text.toString(), /^D004711:00000012:0987654321:x{36}$/);
  assert.deepEqual(form.read(Buffer.concat([Buffer.from('..'), text]), 2, 66), numbers);
});

test('a message with one wrong byte, another length or direction is damaged', () => {
  const form = new MessageForm('U', 64);
  const text = form.text(numbers);
  assert.equal(form.read(text, 0, 63), null);
  assert.equal(new MessageForm('D', 64).read(text, 0, 64), null);
  text[40] = 0x79;
  assert.equal(form.read(text, 0, 64), null);
});

for (const sizeBytes of [28, 125, 126, 4_000]) {
  test(`a frame of ${sizeBytes} bytes unmasks to the message`, () => {
    const form = new MessageForm('U', sizeBytes);
    const frame = form.frame(numbers);
    const headerBytes = sizeBytes < 126 ? 2 : 4;
    assert.equal(frame[0], 0x81, 'FIN and text');
    assert.equal((frame[1] ?? 0) & 0x80, 0x80, 'masked');
    assert.equal(sizeBytes < 126 ? (frame[1] ?? 0) & 0x7f : frame.readUInt16BE(2), sizeBytes);
    const mask = frame.subarray(headerBytes, headerBytes + 4);
    const payload = frame.subarray(headerBytes + 4).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
    assert.deepEqual(Buffer.from(payload), form.text(numbers));
    assert.deepEqual(frame, clientFrame(1, form.text(numbers)));
  });
}

test('a size that the numbers do not fit in is refused', () => {
  assert.throws(() => new MessageForm('U', 27), /28 to 65535 bytes was wanted, not 27/);
});
