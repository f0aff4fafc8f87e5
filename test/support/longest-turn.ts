/**
 * Loaded into the real program by `--import`: the first SIGWINCH starts to measure, the second writes a log line with
 * the longest turn of the event loop since. CPU time of its own thread, for on a busy machine a turn may last long
 * though the program does nothing.
 */
let isMeasuring = false;
let startedAt = 0;
let longestMicroseconds = 0;

function cpuMicroseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

function turn(): void {
  const now = cpuMicroseconds();
  longestMicroseconds = Math.max(longestMicroseconds, now - startedAt);
  startedAt = now;
  if (isMeasuring) setImmediate(turn);
}

process.on('SIGWINCH', () => {
  isMeasuring = !isMeasuring;
  if (isMeasuring) {
    longestMicroseconds = 0;
    startedAt = cpuMicroseconds();
    setImmediate(turn);
  } else {
    process.stdout.write(`${JSON.stringify({ level: 30, msg: 'longest turn', ms: longestMicroseconds / 1_000 })}\n`);
  }
});
