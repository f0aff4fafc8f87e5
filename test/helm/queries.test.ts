import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';
import { startApp } from '../support/app.ts';
import { startBackend } from '../support/backend.ts';
import { refusal } from '../support/client.ts';
import { enter, isEvent, ok, wholeFile } from '../support/guests.ts';
import { type Scrape, scrape } from '../support/scrape.ts';
import { CHART, find, render } from './chart.ts';

type Dashboard = {
  readonly panels: readonly { readonly type: string; readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
  readonly templating: { readonly list: readonly { readonly type: string; readonly query: string }[] };
};
type Rules = {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string; readonly annotations: object }[];
  }[];
};

const file = (path: string): string => readFileSync(join(CHART, path), 'utf8');
const dashboard = JSON.parse(file('dashboard.json')) as Dashboard;
const alerts = parse(file('alerts.yaml')) as Rules;
const adapter = parse(file('examples/prometheus-adapter-values.yaml')) as {
  rules: { custom: { seriesQuery: string; metricsQuery: string }[] };
};

const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const ofPanels = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ where: `panel ${title}`, expr })));
const ofAlerts = alerts.groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ where: alert, expr })));
const ofAdapter = adapter.rules.custom.map(({ seriesQuery: expr }) => ({ where: 'adapter', expr }));
const queries = [...ofPanels, ...ofAlerts, ...ofAdapter];

/** Labels that come from the scrape or from the histogram, not from the gateway. */
const OF_THE_SCRAPE = new Set(['namespace', 'pod', 'le']);

let seen: Scrape;

before(async () => {
  const backend = await startBackend(wholeFile, (call) => (call.text.includes('/no') ? { status: 403 } : ok()));
  const gateway = await startApp(wholeFile, { API_URI: backend.url });
  await refusal(wholeFile, `${gateway.wsUrl}/no`);
  const { ws, id, push } = await enter(wholeFile, { gateway, backend });
  await push('x');
  ws.close();
  await backend.calls.first(isEvent('close', id));
  seen = await scrape(gateway.controlUrl);
});

test('there is a panel for each thing to watch, and an alert for each that hurts', () => {
  assert.ok(panels.length >= 20 && ofAlerts.length >= 10);
  assert.equal(new Set(ofAlerts.map(({ where }) => where)).size, ofAlerts.length);
});

test('every query of the dashboard, the alerts and the adapter is PromQL, and asks for metrics and labels that there are', () => {
  for (const { where, expr } of queries) {
    const query = expr.replaceAll('$__rate_interval', '5m');
    parser
      .parse(query)
      .iterate({ enter: ({ type, from, to }) => assert.ok(!type.isError, `${where}: no PromQL at ${from} to ${to}: ${query}`) });
    const names = query.match(/\bwsaas_\w+/g) ?? [];
    assert.ok(names.length > 0, `${where} asks for nothing of ours`);
    for (const name of names) assert.ok(isThere(name), `${where}: there is no metric ${name}`);
    for (const label of labelsIn(query))
      assert.ok(OF_THE_SCRAPE.has(label) || hasLabel(names, label), `${where}: no metric of it has the label ${label}`);
  }
});

test('the check sees a metric and a label that there are not', () => {
  assert.ok(!isThere('wsaas_conections') && !isThere('wsaas_connections_bucket'));
  assert.ok(isThere('wsaas_backend_call_duration_seconds_bucket') && hasLabel(['wsaas_opens_refused_total'], 'reason'));
  assert.ok(!hasLabel(['wsaas_opens_refused_total'], 'route'));
  assert.deepEqual(labelsIn('sum by (code, by) (x{state!="up",a=~"b"}) and on (pod) y'), ['state', 'a', 'code', 'by', 'pod']);
});

test('the variables of the dashboard ask for what is there', () => {
  for (const { type, query } of dashboard.templating.list) if (type === 'query') assert.match(query, /^label_values\(wsaas_connections\b/);
});

test('the chart renders the alerts with their own braces, and the dashboard as it is', (t) => {
  const manifests = render(t, join(CHART, 'ci', 'monitoring-values.yaml'));
  const rule = find(manifests, 'PrometheusRule');
  assert.deepEqual({ ...rule.spec }, alerts);
  assert.match(JSON.stringify(rule.spec), /\{\{ \$labels\.namespace \}\}/);
  const map = find(manifests, 'ConfigMap') as unknown as { data: Record<string, string>; metadata: { labels: Record<string, string> } };
  assert.deepEqual(JSON.parse(map.data['wsaas.json'] ?? ''), dashboard);
  assert.equal(map.metadata.labels['grafana_dashboard'], '1');
});

function isThere(name: string): boolean {
  const [, family = name] = /^(.*)_(?:bucket|sum|count)$/.exec(name) ?? [];
  return seen.types.has(name) ? seen.types.get(name) !== 'histogram' : seen.types.get(family) === 'histogram';
}

/** Of matchers first, then of groupings. */
function labelsIn(query: string): string[] {
  const matched = [...query.matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label);
  const grouped = [...query.matchAll(/\b(?:by|on|without)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((label) => label.trim()),
  );
  return [...matched, ...grouped];
}

/** Has one of these metrics the label, in a sample of a gateway that has done a little of everything? A metric without a sample tells nothing. */
function hasLabel(names: readonly string[], label: string): boolean {
  return names.some((name) => {
    const samples = seen.text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    return samples.length === 0 || samples.some((line) => new RegExp(`[{,]${label}="`).test(line));
  });
}
