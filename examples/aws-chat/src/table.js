// The table of connections. On AWS it is DynamoDB; this stand-in is a folder with a file for each connection, so that the example needs
// no account and no container. Processes share it, as they share a table.

const { mkdir, readdir, readFile, rm, writeFile } = require('node:fs/promises');
const { tmpdir } = require('node:os');
const path = require('node:path');

const folder = path.join(tmpdir(), process.env.TABLE);
const fileOf = (id) => path.join(folder, encodeURIComponent(id));

exports.put = async (id, item) => {
  await mkdir(folder, { recursive: true });
  await writeFile(fileOf(id), JSON.stringify(item));
};

exports.get = async (id) => JSON.parse(await readFile(fileOf(id), 'utf8').catch(() => '{}'));

exports.remove = (id) => rm(fileOf(id), { force: true });

exports.ids = async () => (await readdir(folder).catch(() => [])).map(decodeURIComponent);
