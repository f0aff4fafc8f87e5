import assert from 'node:assert/strict';
import { CLOSE_TIMEOUT_MS, MAX_MESSAGE_BYTES } from '../support/arena.ts';
import { readWholeAnswer } from '../support/http-answers.ts';
import type { RawLine } from '../support/raw-line.ts';
import { CLOSE, closeFrame, frame, PING, PONG, TEXT, upgradeRequest, type RawFrame } from '../support/raw-socket.ts';
import { readServerFrame } from '../support/server-frames.ts';
import { readClientFrames, type FrameReading } from './frame-rules.ts';

/** What is sound is answered in this time; what is not must be closed in it. */
const LIMIT_MS = CLOSE_TIMEOUT_MS + 4_500;

/** A ping behind all that is sound: its pong comes after those of the others. */
const LAST = Buffer.from('the last ping');

/** One client after a good handshake. */
export class FramesLine {
  readonly #line: RawLine;
  readonly #frames: RawFrame[] = [];

  private constructor(line: RawLine) {
    this.#line = line;
  }

  static async open(line: RawLine): Promise<FramesLine> {
    line.write(Buffer.from(upgradeRequest({ path: '/frames' })));
    await line.until(() => line.bytes.includes('\r\n\r\n'), LIMIT_MS);
    const read = readWholeAnswer(line.bytes);
    assert.equal(read?.answer.status, 101, `the handshake was answered ${line.bytes.toString('latin1', 0, 100)}`);
    line.take(line.bytes.length - (read?.rest.length ?? 0));
    return new FramesLine(line);
  }

  destroy(): void {
    this.#line.socket.destroy();
  }

  /** Sends these bytes and judges all that comes back. Resolves to whether the connection goes on. `isSilent`: a close frame is not answered. */
  async attack(
    bytes: Buffer,
    { isSilent }: { readonly isSilent: boolean },
  ): Promise<{ readonly goesOn: boolean; readonly reading: FrameReading }> {
    const reading = readClientFrames(bytes, MAX_MESSAGE_BYTES);
    const isSound = reading.end === null && !reading.isOpen;
    this.#frames.length = 0;
    this.#line.write(isSound ? Buffer.concat([bytes, frame(PING, LAST)]) : bytes);
    if (reading.end !== null) await this.#ended(reading, isSilent);
    else if (reading.isOpen) await this.#cutOff(reading);
    else await this.#answered({ ...reading, pings: [...reading.pings, LAST] });
    return { goesOn: isSound, reading };
  }

  /** Every message comes back, and the last ping is answered. */
  async #answered(reading: FrameReading): Promise<void> {
    await this.#until(() => {
      const isPonged = this.#frames.some(({ opcode, payload }) => opcode === PONG && payload.equals(LAST));
      return isPonged && this.#echoes().length >= reading.messages.length;
    });
    assert.equal(this.#line.isEnded, false, `sound frames ended the connection: ${this.#said()}`);
    this.#judge(reading);
    assert.equal(this.#echoes().length, reading.messages.length);
  }

  async #ended(reading: FrameReading, isSilent: boolean): Promise<void> {
    const { why, codes, mayPass } = reading.end as NonNullable<FrameReading['end']>;
    if (mayPass === true) this.#line.write(closeFrame(1_000));
    await this.#until(() => this.#closes().length > 0);
    const [close] = this.#closes();
    if (close === undefined) assert.fail(`${why}: the connection ended without a close frame (§7.1.7)`);
    assert.ok([...codes, ...(mayPass === true ? [1_000] : [])].includes(close.code), `${why}: closed with ${close.code}`);
    if (!isSilent) {
      this.#line.write(closeFrame(close.code === 1_005 ? 1_000 : close.code));
      this.#line.finish();
    }
    await this.#line.ended(LIMIT_MS, `${why} and a close frame`);
    this.#take();
    assert.equal(this.#frames.at(-1), close, 'a frame follows the close frame (§5.5.1)');
    if (mayPass !== true) this.#judge(reading);
  }

  async #cutOff(reading: FrameReading): Promise<void> {
    this.#line.finish();
    await this.#line.ended(LIMIT_MS, 'half a frame and our end');
    this.#take();
    this.#judge(reading);
  }

  /** What came back are the messages from the first on, and pongs to pings in their order. */
  #judge({ messages, pings }: FrameReading): void {
    const echoes = this.#echoes();
    assert.ok(echoes.length <= messages.length, `${echoes.length} messages came back of ${messages.length}`);
    for (const [index, { opcode, payload }] of echoes.entries()) {
      assert.equal(opcode === TEXT, messages[index]?.isText, 'text comes back as text');
      assert.ok(payload.equals(messages[index]?.payload as Buffer), 'a message came back changed, or in another order');
    }
    let at = 0;
    for (const pong of this.#frames.filter(({ opcode }) => opcode === PONG)) {
      const found = pings.findIndex((ping, index) => index >= at && ping.equals(pong.payload));
      assert.ok(found >= 0, 'a pong without its ping');
      at = found + 1;
    }
  }

  #echoes(): RawFrame[] {
    return this.#frames.filter(({ opcode }) => opcode < CLOSE);
  }

  #closes(): RawFrame[] {
    return this.#frames.filter(({ opcode }) => opcode === CLOSE);
  }

  #said(): string {
    return this.#frames.map(({ opcode, code, payload }) => `${opcode}/${code}/${payload.toString('latin1', 0, 50)}`).join(' ');
  }

  async #until(isEnough: () => boolean): Promise<void> {
    await this.#line.until(() => {
      this.#take();
      return isEnough();
    }, LIMIT_MS);
    this.#take();
  }

  #take(): void {
    for (let read = readServerFrame(this.#line.bytes); read !== null; read = readServerFrame(this.#line.bytes)) {
      this.#line.take(this.#line.bytes.length - read.rest.length);
      this.#frames.push(read.frame);
    }
  }
}
