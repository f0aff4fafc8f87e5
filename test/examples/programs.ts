import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';

/** The first of these programs that PATH has, or null. `answers` are arguments with which it must succeed. */
export function findProgram(names: readonly string[], answers?: readonly string[]): string | null {
  for (const name of names) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      const file = join(folder, name);
      if (isExecutable(file) && (answers === undefined || spawnSync(file, answers, { stdio: 'ignore' }).status === 0)) return file;
    }
  }
  return null;
}

/** Skips a test for want of a program, and says so. In CI everything must be there: the test fails. */
export function lacks(t: Pick<TestContext, 'skip'>, what: string, debianPackage: string): void {
  const reason = `NOT TESTED: ${what} was not found, Debian has it in ${debianPackage}`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  t.skip(reason);
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
