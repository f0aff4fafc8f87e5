import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findProgram } from './programs.ts';

const CURL_LINE = /^curl -X (PUT|POST|DELETE) '?(http:[^\s']+)'?(?: -d '([^']*)')?$/;

/** Runs a printed `curl` line as a user would; where there is no curl, does what the line says. Returns the answer's body. */
export async function runInTerminal(line: string): Promise<string> {
  const [, method, url, body] = CURL_LINE.exec(line) ?? [];
  assert.ok(method !== undefined && url !== undefined, `a curl line was wanted, this was printed: ${line}`);
  if (findProgram(['curl']) === null) {
    const answer = await fetch(url, { method, ...(body !== undefined && { body }) });
    return answer.text();
  }
  const { stdout } = await promisify(execFile)('sh', ['-c', line]);
  return stdout;
}
