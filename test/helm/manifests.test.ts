import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { options } from '../../src/config/options.ts';
import { execForm, only, parseDockerfile } from '../docker/dockerfile.ts';
import { startApp } from '../support/app.ts';
import { MAIN } from '../support/gateway.ts';
import { CHART, find, helm, render, type Manifest, workloadOf } from './chart.ts';
import { checkConfig, runCheckConfig } from './environment.ts';
import { environmentHere, SECRETS } from './kubelet.ts';
import { type Named, schemaProblem, unknownFields } from './kubernetes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NEW_KUBERNETES = ['--kube-version', '1.30.0'];
const SETS = readdirSync(join(CHART, 'ci')).toSorted();
const valuesOf = (set: string): string => join(CHART, 'ci', set);

test('there are sets of values for all that the chart can do', () => {
  for (const wanted of [
    'smallest',
    'tls',
    'stateful-set',
    'redis',
    'nats',
    'autoscaling',
    'keda',
    'gateway-api',
    'monitoring',
    'everything',
  ])
    assert.ok(SETS.includes(`${wanted}-values.yaml`), wanted);
});

for (const set of SETS) {
  test(`${set} passes helm lint --strict, and every manifest is one that Kubernetes takes`, async (t) => {
    const lint = helm(t, ['lint', '--strict', CHART], valuesOf(set));
    assert.equal(lint.status, 0, lint.output + lint.error);
    const manifests = render(t, valuesOf(set), NEW_KUBERNETES);
    for (const manifest of manifests) {
      assert.equal(await schemaProblem(manifest as Named), null, `${manifest.kind} ${manifest.metadata.name}`);
    }
  });
}

suite('in a pod of each set', { concurrency: SETS.length }, () => {
  for (const set of SETS) {
    test(`the program of ${set} takes its environment, its secrets and its files`, async (t) => {
      const pod = workloadOf(render(t, valuesOf(set), NEW_KUBERNETES));
      const { code, complaint, effective } = await runCheckConfig(t, pod);
      assert.deepEqual({ code, complaint }, { code: 0, complaint: '' });
      const given = Object.keys(environmentHere(t, pod)).filter((name) => Object.hasOwn(options, name));
      assert.deepEqual([given.filter((name) => !(name in effective)), given.includes('API_URI')], [[], true]);
      if (set.startsWith('everything')) assert.equal(effective['DRAIN_MS'], '45001');
    });
  }

  test('a value that the chart cannot judge ends the program with what is wrong with it', async (t) => {
    const pod = workloadOf(render(t, { config: { API_URI: 'http://backend', CONTROL_ALLOW: '10.0.0.0/64' } }));
    const { code, complaint } = await runCheckConfig(t, pod);
    assert.notEqual(code, 0);
    assert.match(complaint, /^ +CONTROL_ALLOW: must be CIDRs such as .*, came "10\.0\.0\.0\/64"$/m);
  });

  test('a Secret with a certificate where its key should be ends the program with the name of the file', async (t) => {
    const pod = workloadOf(render(t, valuesOf('tls-values.yaml')));
    const tls = { ...SECRETS['gateway-tls'], 'tls.key': SECRETS['gateway-tls']?.['tls.crt'] ?? '' };
    const { code, complaint } = await runCheckConfig(t, pod, { ...SECRETS, 'gateway-tls': tls });
    assert.notEqual(code, 0);
    assert.match(complaint, /^ +TLS_KEY_FILE: must hold a private key in PEM/m);
  });

  test('a Secret that lacks a key that is mounted is seen', (t) => {
    const pod = workloadOf(render(t, valuesOf('tls-values.yaml')));
    assert.throws(() => environmentHere(t, pod, { ...SECRETS, callers: {} }), /the Secret callers has no ca\.crt/);
  });
});

test('what a pod runs is what the image has', (t) => {
  const image = parseDockerfile(readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8')).at(-1);
  assert.ok(image);
  const entrypoint = execForm(only(image, 'ENTRYPOINT'));
  assert.equal(join('/', only(image, 'WORKDIR'), entrypoint[1] ?? ''), join('/app', MAIN.slice(ROOT.length)));
  for (const set of SETS) {
    const manifests = render(t, valuesOf(set), NEW_KUBERNETES);
    const [{ command = entrypoint, args = [] }] = workloadOf(manifests).containers;
    assert.deepEqual([...command, ...args], entrypoint, set);
    for (const { spec } of manifests.filter(({ kind }) => kind === 'Pod'))
      assert.equal((spec as unknown as { containers: [{ command: string[] }] }).containers[0].command[0], entrypoint[0], set);
  }
});

test('no manifest of any set has a field that Kubernetes does not know', async (t) => {
  const all = SETS.flatMap((set) => render(t, valuesOf(set), NEW_KUBERNETES));
  assert.ok(all.length > 60, `${all.length} manifests`);
  assert.equal(await unknownFields(t, all as Named[]), '');
});

test('the check sees what is wrong: a type, a missing field, a name that nobody knows', async (t) => {
  const broken = (change: (spec: Record<string, unknown>) => void): Manifest => {
    const deployment = structuredClone(find(render(t, valuesOf('smallest-values.yaml')), 'Deployment'));
    change(deployment.spec);
    return deployment;
  };
  const wrongs = await Promise.all(
    [broken((spec) => (spec['replicas'] = '2')), broken((spec) => delete spec['selector'])].map((one) => schemaProblem(one as Named)),
  );
  assert.match(wrongs.join('\n'), /spec\/replicas must be integer[^]*spec must have required property selector/);
  assert.match(await unknownFields(t, [broken((spec) => (spec['replica'] = 2))]), /replica"?' does not exist in type 'IDeploymentSpec'/);
});

test('a StatefulSet tells each pod’s own name, gives its journal a volume that outlives it, and is what scales', (t) => {
  const manifests = render(t, valuesOf('stateful-set-values.yaml'));
  const { spec } = find(manifests, 'StatefulSet');
  assert.deepEqual([spec['serviceName'], spec['podManagementPolicy']], ['chat-wsaas-pods', 'Parallel']);
  const [claim] = spec['volumeClaimTemplates'] as { metadata: { name: string }; spec: { storageClassName: string } }[];
  assert.deepEqual([claim?.metadata.name, claim?.spec.storageClassName], ['journal', 'fast']);
  const pod = workloadOf(manifests);
  assert.deepEqual([pod.volumes, pod.containers[0].volumeMounts?.[0]?.name], [undefined, 'journal']);
  const { effective } = checkConfig(t, pod);
  assert.equal(effective['WS_HOSTNAME'], 'chat-wsaas-6d5f7c9b8-x2x4q.chat-wsaas-pods.sockets.svc:8081');
  const service = find(manifests, 'Service', 'chat-wsaas-pods').spec;
  assert.deepEqual([service['clusterIP'], service['publishNotReadyAddresses']], ['None', true]);
  const scaled = find(render(t, valuesOf('keda-values.yaml')), 'ScaledObject').spec as unknown as {
    scaleTargetRef: { kind: string };
    triggers: { metadata: { query: string; threshold: string } }[];
  };
  assert.equal(scaled.scaleTargetRef.kind, 'StatefulSet');
  assert.deepEqual(scaled.triggers[0]?.metadata.query, 'sum(wsaas_connections{namespace="sockets",pod=~"chat-wsaas-.*"})');
});

test('with TLS the probes, ws_uri and the scrapes go by it; where callers need certificates the kubelet looks at the port only', (t) => {
  const tls = { config: { API_URI: 'http://backend' }, tls: { secretName: 'gateway-tls' } };
  const manifests = render(t, tls);
  const [{ env, livenessProbe, readinessProbe, volumeMounts }] = workloadOf(manifests).containers;
  assert.deepEqual(livenessProbe.httpGet, { path: '/livez', port: 'control', scheme: 'HTTPS' });
  assert.deepEqual(readinessProbe.httpGet, { path: '/readyz', port: 'control', scheme: 'HTTPS' });
  assert.deepEqual(volumeMounts, [{ name: 'tls', mountPath: '/etc/wsaas/tls', readOnly: true }]);
  assert.equal(env.find(({ name }) => name === 'WS_HOSTNAME')?.value, 'https://$(POD_IP):8081');
  assert.equal(env.find(({ name }) => name === 'TLS_CERT_FILE')?.value, '/etc/wsaas/tls/tls.crt');
  const guarded = workloadOf(render(t, valuesOf('tls-values.yaml'))).containers[0];
  assert.deepEqual(
    [guarded.livenessProbe, guarded.readinessProbe].map((probe) => (probe as { tcpSocket?: object }).tcpSocket),
    [{ port: 'control' }, { port: 'control' }],
  );
  assert.equal(guarded.env.find(({ name }) => name === 'TLS_CLIENT_CA_FILE')?.value, '/etc/wsaas/client-ca/ca.crt');
});

test('what `helm test` runs passes against a gateway, and fails where none is', async (t) => {
  const pod = find(render(t, valuesOf('smallest-values.yaml')), 'Pod') as unknown as {
    metadata: { annotations: Record<string, string> };
    spec: { containers: [{ command: string[]; args: [string]; env: { name: string; value: string }[] }] };
  };
  assert.equal(pod.metadata.annotations['helm.sh/hook'], 'test');
  const [{ command, args, env }] = pod.spec.containers;
  assert.deepEqual(
    env.map(({ name, value }) => `${name}=${value}`),
    ['READY=http://chat-wsaas-control:8081/readyz', 'CLIENTS=http://chat-wsaas:80/'],
  );
  const gateway = await startApp(t, { API_URI: 'http://127.0.0.1:1', CONTROL_PORT: '0' });
  const run = (variables: Record<string, string>) =>
    new Promise<number>((resolve) => {
      execFile(process.execPath, [...command.slice(1), ...args], { env: variables }, (error) => resolve(error === null ? 0 : 1));
    });
  const there = { READY: `${gateway.controlUrl}/readyz`, CLIENTS: `${gateway.publicUrl}/` };
  assert.deepEqual(await Promise.all([run(there), run({ ...there, CLIENTS: `${gateway.controlUrl}/` })]), [0, 1]);
});
