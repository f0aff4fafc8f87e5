import { closeSync, openSync } from 'node:fs';
import { functionCall, invoke } from '../../contracts/function-target.ts';
import { moduleTarget } from './module-scene.ts';

/** A program that has used up its file descriptors when a function is called, and gives them back before the next call. */
const ends: (() => unknown)[] = [];
const { target } = moduleTarget({ after: (end: () => unknown) => void ends.push(end) }, 'styles.cjs', { export: 'sync' });
const held: number[] = [];
try {
  for (;;) held.push(openSync('/dev/null', 'r'));
} catch {
  // none is left
}
const refused = await invoke(target, functionCall());
process.stdout.write(refused.type === 'failure' ? `failure ${refused.reason} ${refused.wasSent}\n` : `${refused.type}\n`);
for (const file of held) closeSync(file);
target.reload();
const result = await invoke(target, functionCall());
process.stdout.write(`${result.type}\n`);
for (const end of ends) await end();
