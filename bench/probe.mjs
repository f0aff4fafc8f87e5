// Loaded into the measured process by `node --expose-gc --import`; the product knows nothing of it.
// On SIGWINCH (ignored by processes that do not listen, and by the gateway's own signal handling) it collects garbage and, in the first process of a tree, tells on descriptor 3 what is alive.
import { writeSync } from 'node:fs';

process.on('SIGWINCH', () => {
  // a plain gc() keeps the freed pages in V8's pool: the heap shrinks, the process does not
  const thorough = { type: 'major', execution: 'sync', flavor: 'last-resort' };
  void globalThis.gc(thorough);
  void globalThis.gc(thorough); // what finalizers of the first have let go
  if (process.channel) return; // a worker: its descriptor 3 is not ours
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate').length;
  writeSync(3, `${JSON.stringify({ heapBytes: process.memoryUsage().heapUsed, timers })}\n`);
});
