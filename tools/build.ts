import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

// dist/: each file of src as it is, for who imports the package, the console's page beside its code, and the program in few large files. A start reads 1,300 files
// otherwise, two thirds of its time. main.js stays apart: it looks at Node's version before anything is loaded that an old Node
// could not read.

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = `${ROOT}dist`;

rmSync(DIST, { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [`${ROOT}node_modules/typescript/bin/tsc`, '-p', `${ROOT}src`], { stdio: 'inherit' });
if (status !== 0) process.exit(1);
cpSync(`${ROOT}src/edge/console/page`, `${DIST}/edge/console/page`, { recursive: true });
// main.js has it already: what it heard before the program was there is not to be heard twice
const external = [`${DIST}/cli/early-signals.js`];
const program = await rolldown({ input: `${DIST}/program.js`, platform: 'node', external });
// what is loaded when it is needed stays in files of its own
await program.write({ dir: DIST, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'program/[name]-[hash].js' });
await program.close();
