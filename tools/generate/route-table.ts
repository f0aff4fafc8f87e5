import type { routesSchema } from '../../src/routes/spec.ts';

/** The table of what a route may say, as Markdown. */
export function routeTable(schema: typeof routesSchema): string {
  const rows = Object.entries(schema.properties.routes.items.properties).map(([name, property]) => {
    const { description = '' } = property as { readonly description?: string };
    return `| \`${name}\` | ${description.replaceAll('|', '\\|').replaceAll(/\b[A-Z]+(?:_[A-Z]+)+\b|\bORIGINS\b/g, '`$&`')} |`;
  });
  return ['| property | meaning |', '| --- | --- |', ...rows].join('\n');
}
