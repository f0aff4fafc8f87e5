// A program of the demo, running as a process of its own.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const KILL_AFTER_MS = 5_000;
const KEPT_LINES = 20;

/**
 * Starts `node <file>`, or another program, and resolves once `readiness` finds what it looks for in a line of its output.
 * @param {string} name for people
 * @param {string | readonly string[]} file of Node's, or a program with its arguments
 * @param {{ env: Record<string, string>, readiness: (line: string) => string | undefined, onDeath: (story: string) => void }} options
 *   `onDeath` is called when the program ends and nobody has asked it to
 */
export async function startChild(name, file, { env, readiness, onDeath }) {
  // a group of its own: Ctrl-C reaches the launcher only, which ends its children in order
  const [program, ...argv] = typeof file === 'string' ? [process.execPath, file] : file;
  const child = spawn(program, argv, { cwd: import.meta.dirname, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const lastLines = [];
  let isStopping = false;
  const killAtExit = () => child.kill('SIGKILL');
  process.on('exit', killAtExit);

  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`));
  });
  const ready = new Promise((resolve) => {
    const read = (line) => {
      const found = readiness(line);
      if (found !== undefined) resolve(found);
      lastLines.push(line);
      if (lastLines.length > KEPT_LINES) lastLines.shift();
    };
    for (const output of [child.stdout, child.stderr]) createInterface({ input: output }).on('line', read);
  });
  const story = ended.then((how) => {
    process.off('exit', killAtExit);
    return [`The ${name} is gone: ${how}. Its last words:`, ...lastLines.map((line) => `  ${line}`)].join('\n');
  });
  const url = await Promise.race([ready, story.then((told) => Promise.reject(new Error(told)))]);
  void story.then((told) => isStopping || onDeath(told));

  return {
    url,
    pid: child.pid,
    /** SIGTERM, and SIGKILL for a program that does not follow it. Resolves when the process is gone. */
    async stop() {
      isStopping = true;
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
      await ended;
      clearTimeout(patience);
    },
  };
}
