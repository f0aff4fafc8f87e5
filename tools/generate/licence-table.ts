type Locked = { readonly version?: string; readonly license?: string; readonly dev?: boolean; readonly peer?: boolean };

const INTRO = `<!-- Generated from package-lock.json by \`npm run generate\`; do not edit. -->
# Licences of what the program is made of

wsaas itself is under the [MIT licence](../LICENSE). It is shipped with these packages, each under its own licence; tools that only build and
test it are not shipped and not listed.

`;

/** Every package that is shipped, with its licence. `lock`: package-lock.json. */
export function licenceTable(lock: string): string {
  const { packages } = JSON.parse(lock) as { packages: Readonly<Record<string, Locked>> };
  const rows = shipped(packages).map(({ name, version, license }) => `| \`${name}\` | ${version} | ${license} |`);
  return `${INTRO}| package | version | licence |\n| --- | --- | --- |\n${[...new Set(rows)].join('\n')}\n`;
}

function shipped(
  packages: Readonly<Record<string, Locked>>,
): { readonly name: string; readonly version: string; readonly license: string }[] {
  return Object.entries(packages)
    .filter(([path, { dev, peer }]) => path !== '' && dev !== true && peer !== true)
    .map(([path, { version = '?', license = 'none is named' }]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 13),
      version,
      license,
    }))
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}
