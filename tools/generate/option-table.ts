import type { options as Options } from '../../src/config/options.ts';

type Described = { readonly description?: string; readonly default?: string | number };

/** The table of options, as Markdown. */
export function optionTable(options: typeof Options): string {
  const rows = Object.entries(options).map(([name, schema]) => {
    const { description = '', default: standard } = schema as Described;
    return `| \`${name}\` | ${standard === undefined ? '–' : `\`${String(standard)}\``} | ${description.replaceAll('|', '\\|')} |`;
  });
  return ['| variable | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}
