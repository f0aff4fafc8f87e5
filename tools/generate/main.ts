import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { envExample } from './env-example.ts';
import { closeCodeTable, errorTable } from './error-table.ts';
import { openApi } from './openapi.ts';
import { licenceTable } from './licence-table.ts';
import { metricTable } from './metric-table.ts';
import { optionTable } from './option-table.ts';
import { routeTable } from './route-table.ts';
import { withSection } from './section.ts';
import { options } from '../../src/config/options.ts';
import { dashboard } from './dashboard.ts';
import { helmOptions, helmValuesSchema } from './helm-schema.ts';
import { helmReadme } from './helm-readme.ts';
import { parse } from 'yaml';
import { routesSchema } from '../../src/routes/spec.ts';

/** Every generated file, by its path from the project's root. `test/generated.test.ts` compares them with what lies there. */
export async function generatedFiles(read: (path: string) => string): Promise<Record<string, string>> {
  return {
    '.env.example': envExample(options),
    'openapi.yaml': await openApi(),
    'routes.schema.json': `${JSON.stringify(routesSchema, null, 2)}\n`,
    'helm/wsaas/values.schema.json': `${JSON.stringify(helmValuesSchema(options), null, 2)}\n`,
    'helm/wsaas/options.json': `${JSON.stringify(helmOptions(options), null, 2)}\n`,
    'helm/wsaas/dashboard.json': `${JSON.stringify(dashboard(), null, 2)}\n`,
    'helm/wsaas/README.md': helmReadme(helmValuesSchema(options), parse(read('helm/wsaas/values.yaml'))),
    'docs/licences.md': licenceTable(read('package-lock.json')),
    'docs/configuration.md': withSection(read('docs/configuration.md'), 'options', optionTable(options)),
    'docs/telemetry.md': withSection(read('docs/telemetry.md'), 'metrics', metricTable()),
    'docs/routes.md': withSection(read('docs/routes.md'), 'route options', routeTable(routesSchema)),
    'docs/errors.md': withSection(withSection(read('docs/errors.md'), 'errors', errorTable()), 'close codes', closeCodeTable()),
  };
}

export function readFromRoot(path: string): string {
  return readFileSync(fromRoot(path), 'utf8');
}

function fromRoot(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

if (import.meta.main) {
  for (const [path, content] of Object.entries(await generatedFiles(readFromRoot))) {
    writeFileSync(fromRoot(path), content);
    process.stdout.write(`wrote ${path}\n`);
  }
}
