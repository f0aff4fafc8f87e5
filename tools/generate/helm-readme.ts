type Schema = {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
};

const INTRO = `<!-- Generated from values.yaml and its schema by \`npm run generate\`; do not edit. -->
# Helm chart of wsaas

\`\`\`sh
helm install chat helm/wsaas --namespace sockets --create-namespace --set image.repository=registry.example.com/wsaas --set config.API_URI=http://api.backends/websocket
helm test chat --namespace sockets
\`\`\`

How the values work together, with examples, is in [docs/kubernetes.md](../../docs/kubernetes.md); what to watch, in
[docs/telemetry.md](../../docs/telemetry.md). Without the chart \`dashboard.json\` can be imported into Grafana and \`alerts.yaml\` be a rules file of Prometheus.

\`MAX_CONNECTIONS\` counts for each process: a pod with \`config.WORKERS: 2\` holds twice as many clients. Unless it is given it follows
from the memory limit, divided among the workers.

## Values

`;

/** The chart's README: a row for each value, its default where values.yaml has one. */
export function helmReadme(schema: object, values: unknown): string {
  const rows = rowsOf(schema as Schema, values, '').map(([path, about, standard]) => `| \`${path}\` | ${about} | ${standard} |`);
  return `${INTRO}| value | what it is | default |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

type Row = readonly [path: string, about: string, standard: string];

function rowsOf({ properties = {} }: Schema, values: unknown, prefix: string): Row[] {
  return Object.entries(properties).flatMap(([name, schema]): Row[] => {
    const path = prefix + name;
    const value = (values as Readonly<Record<string, unknown>> | null | undefined)?.[name];
    if (path === 'config')
      return [
        [
          `${path}.…`,
          `${schema.description} One for each row of [docs/configuration.md](../../docs/configuration.md#options).`,
          shown(value),
        ],
      ];
    if (path === 'secrets')
      return [
        [
          `${path}.…`,
          `${schema.description} \`{ name, key }\` each: ${Object.keys(schema.properties ?? {})
            .map((one) => `\`${one}\``)
            .join(', ')}.`,
          '',
        ],
      ];
    const isReference = Object.keys(schema.properties ?? {}).join() === 'name,key';
    if (schema.properties !== undefined && !isReference) return rowsOf(schema, value, `${path}.`);
    return [[path, `${schema.description ?? ''}${isReference ? ' `{ name, key }`' : ''}`.replaceAll('|', '\\|'), shown(value)]];
  });
}

function shown(value: unknown): string {
  return value === undefined || value === '' ? '' : `\`${JSON.stringify(value).replaceAll('|', '\\|')}\``;
}
