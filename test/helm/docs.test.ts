import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { CHART, helm, podOf, render } from './chart.ts';
import { checkConfig } from './environment.ts';

const page = readFileSync(new URL('../../docs/kubernetes.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```yaml\n# (.*)\n([\s\S]*?)^```$/gm)].map(([, title = '', text = '']) => ({ title, text }));

test('docs/kubernetes.md has examples, each with a title', () => {
  assert.equal(examples.length, page.match(/^```yaml$/gm)?.length);
  assert.ok(examples.length >= 3);
});

for (const { title, text } of examples) {
  test(`the example "${title}" of docs/kubernetes.md installs, and the program takes it`, async (t) => {
    const values = parse(text) as { config: Record<string, unknown> };
    const lint = helm(t, ['lint', '--strict', CHART], values);
    assert.equal(lint.status, 0, lint.output + lint.error);

    const { code, effective, error } = await checkConfig(t, podOf(render(t, values)));
    assert.deepEqual({ code, error }, { code: 0, error: '' });
    for (const [name, value] of Object.entries(values.config)) assert.equal(effective[name], String(value), name);
  });
}

test('the grace period that docs/kubernetes.md tells is the default one', (t) => {
  const grace = podOf(render(t, { config: { API_URI: 'http://backend' } })).terminationGracePeriodSeconds;
  assert.match(page.replaceAll(/\s+/g, ' '), new RegExp(`\`graceMarginSeconds\`, ${grace} s by default`));
});
