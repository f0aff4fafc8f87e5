'use strict';
// What goes wrong in handlers; `calm` shows that nobody else notices.

exports.enemy = async (event, context) => enemies[event.does](event, context);

const enemies = {
  calm: () => ({ statusCode: 200, body: String(process.pid) }),
  throws: () => {
    throw new RangeError('it is too much');
  },
  throwsNothing: () => {
    throw undefined;
  },
  throwsText: () => {
    throw 'Unauthorized';
  },
  throwsTrap: () => {
    throw {
      get name() {
        throw new Error('a trap');
      },
      message: '',
    };
  },
  throwsLong: () => {
    throw new Error('x'.repeat(10_000_000));
  },
  throwsLater: () =>
    new Promise(() => {
      setTimeout(() => {
        throw new SyntaxError('nobody catches it');
      }, 1);
    }),
  rejectsLater: () => new Promise(() => void setTimeout(() => void Promise.reject(new Error('nobody waits for it')), 1)),
  exits: () => process.exit(0),
  exitsWith: () => process.exit(3),
  aborts: () => process.abort(),
  // oxlint-disable-next-line no-restricted-properties -- itself
  kills: () => process.kill(process.pid, 'SIGKILL') && new Promise(() => setTimeout(() => {}, 60_000)),
  blocks: () => {
    for (;;);
  },
  hangs: () => new Promise(() => setTimeout(() => {}, 60_000)),
  circular: () => {
    const ring = {};
    ring.ring = ring;
    return ring;
  },
  bigint: () => ({ statusCode: 200n }),
  symbol: () => Symbol('odd'),
  text: () => 'just text',
  long: () => ({ statusCode: 200, body: 'x'.repeat(6_291_556) }),
  longest: () => ({ statusCode: 200, body: 'x'.repeat(6_291_556 - '{"statusCode":200,"body":""}'.length) }),
  heap: () => {
    const kept = [];
    for (;;) kept.push({ text: `${kept.length}`.repeat(10) });
  },
  buffers: async () => {
    const kept = [];
    for (;;) {
      kept.push(Buffer.alloc(10_000_000, 1));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  },
  garbage: () => {
    require('node:fs').writeSync(3, 'this is no word of the protocol, and it is long enough');
    return new Promise(() => setTimeout(() => {}, 60_000));
  },
  lies: () => {
    const header = JSON.stringify({ type: 'ready' });
    const frame = Buffer.alloc(8 + header.length);
    frame.writeUInt32BE(header.length, 0);
    frame.write(header, 8);
    require('node:fs').writeSync(3, frame);
    return new Promise(() => setTimeout(() => {}, 60_000));
  },
  closes: () => {
    require('node:fs').closeSync(3);
    return new Promise(() => setTimeout(() => {}, 60_000));
  },
  forks: () => {
    const { spawn } = require('node:child_process');
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
    console.log(`child ${child.pid}`);
    return new Promise(() => setTimeout(() => {}, 60_000));
  },
  shouts: () => {
    for (let line = 0; line < 20_000; line += 1) console.log(`${line} ${'x'.repeat(100)}`);
    return { statusCode: 200 };
  },
  writes: () => {
    console.log('an object', { a: 1 });
    console.warn('two\nlines');
    console.error(new Error('told'));
    process.stdout.write('plain text\n');
    process.stderr.write('plain error\n');
    return { statusCode: 200 };
  },
};
