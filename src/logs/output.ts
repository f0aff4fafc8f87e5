import { writeSync } from 'node:fs';
import { Socket } from 'node:net';

/** Where log lines go. No call waits for the reader, and none throws. */
export interface Output {
  /** `done` is called once, with an error if the line was lost. */
  write(line: string, done: (error?: Error | null) => void): void;
  /** An earlier line is still on its way. */
  readonly isBusy: boolean;
  /** Its reader is gone for good. */
  readonly isGone: boolean;
}

/** A stream that was made not to wait, as Node makes pipes and sockets. */
export function streamOutput(stream: Socket): Output {
  stream.on('error', () => {}); // `done` hears of it
  return {
    write: (line, done) => void stream.write(line, done),
    get isBusy() {
      return stream.writableLength > 0;
    },
    get isGone() {
      return stream.destroyed || stream.writableEnded;
    },
  };
}

/** A file has no reader to wait for. One on a full disk takes lines again when there is room. */
function fileOutput(descriptor: number): Output {
  return {
    write(line, done) {
      try {
        writeSync(descriptor, line);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    isBusy: false,
    isGone: false,
  };
}

/** This process's standard output, whatever it is. */
export function standardOutput(): Output {
  const { stdout } = process;
  if (!(stdout instanceof Socket)) return fileOutput(1);
  doNotWait();
  return streamOutput(stdout);
}

/**
 * Standard output must not wait for its reader. Node 24 lets a terminal wait (Ctrl-S would stop the gateway), and each
 * fork makes what the child inherits wait again, for the parent too: it is called after each. Node's switch is not
 * public; to go when it is (test/patched-libraries.test.ts).
 */
export function doNotWait(): void {
  (process.stdout as { _handle?: { setBlocking?: (isBlocking: boolean) => unknown } })._handle?.setBlocking?.(false);
}
