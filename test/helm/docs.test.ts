import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { CHART, helm, podOf, render, workloadOf } from './chart.ts';
import { checkConfig } from './environment.ts';

const page = readFileSync(new URL('../../docs/kubernetes.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```yaml\n# (.*)\n([\s\S]*?)^```$/gm)].map(([, title = '', text = '']) => ({ title, text }));

test('docs/kubernetes.md has examples, each with a title', () => {
  assert.equal(examples.length, page.match(/^```yaml$/gm)?.length);
  assert.ok(examples.length >= 3);
});

for (const { title, text } of examples) {
  test(`the example "${title}" of docs/kubernetes.md installs, and the program takes it`, (t) => {
    const values = parse(text) as { config: Record<string, unknown> };
    const lint = helm(t, ['lint', '--strict', CHART], values);
    assert.equal(lint.status, 0, lint.output + lint.error);

    const { effective, complaint } = checkConfig(t, workloadOf(render(t, values)));
    assert.equal(complaint, '');
    for (const [name, value] of Object.entries(values.config)) assert.equal(effective[name], String(value), name);
  });
}

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

test('what an idle connection costs is one figure, and no measurement of docs/performance.md is over it', () => {
  const files = ['docs/operations.md', 'docs/kubernetes.md', 'helm/wsaas/values.yaml'];
  const figures = files.map((file) =>
    /up to (\d+) KB (?:per|for an) idle connection|an idle connection costs up to (\d+) KB/.exec(read(file))?.slice(1).join(''),
  );
  assert.deepEqual(figures, ['20', '20', '20']);
  assert.match(read('helm/wsaas/templates/_options.tpl'), /134217728\) 40000/); // 128 MiB, twice the figure
  const [, table = ''] = /^\| idle connections .*?\n((?:\|.*\n)+)/m.exec(read('docs/performance.md')) ?? [];
  const measured = [...table.matchAll(/^\| [\d,]+ +\| ([\d.]+) /gm)].map(([, kilobytes]) => Number(kilobytes));
  assert.ok(measured.length >= 3);
  assert.ok(Math.max(...measured) <= 20, measured.join(', '));
});

test('the grace period that docs/kubernetes.md tells is the default one', (t) => {
  const grace = podOf(render(t, { config: { API_URI: 'http://backend' } })).terminationGracePeriodSeconds;
  assert.match(page.replaceAll(/\s+/g, ' '), new RegExp(`\`graceMarginSeconds\`, ${grace} s by default`));
});
