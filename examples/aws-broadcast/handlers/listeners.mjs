// Who listens. On AWS it would be a table; this stand-in is a folder with a file for each connection.

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = join(tmpdir(), process.env.TABLE);
await mkdir(folder, { recursive: true });

export const add = (id) => writeFile(join(folder, encodeURIComponent(id)), '');
export const remove = (id) => rm(join(folder, encodeURIComponent(id)), { force: true });
export const ids = async () => (await readdir(folder)).map(decodeURIComponent);
