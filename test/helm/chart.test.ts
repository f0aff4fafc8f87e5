import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { options } from '../../src/config/options.ts';
import type { OptionSchemas } from '../../tools/generate/helm-schema.ts';
import { startAuthority } from '../support/authority.ts';
import { CHART, find, helm, podOf, render, template } from './chart.ts';
import { checkConfig } from './environment.ts';
import { environmentOf } from './kubelet.ts';

const API_URI = 'http://backend.default/websocket';
const smallest = { config: { API_URI } };
const everything = join(CHART, 'ci', 'everything-values.yaml');
const onePod = join(CHART, 'ci', 'one-pod-values.yaml');
const NEW_KUBERNETES = ['--kube-version', '1.30.0'];
const schemas: OptionSchemas = options;

const isFileOfSecret = (name: string): boolean => schemas[name.replace(/_FILE$/, '')]?.isSecret === true && name.endsWith('_FILE');

test('the chart is of the version that it installs', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as { appVersion: string };
  assert.equal(chart.appVersion, version);
});

test('two Services lead to the two ports, and only the one for clients can leave the cluster', (t) => {
  const manifests = render(t, smallest);
  const [{ ports }] = podOf(manifests).containers;
  const clients = find(manifests, 'Service', 'chat-wsaas');
  const control = find(manifests, 'Service', 'chat-wsaas-control');
  assert.deepEqual(ports, [
    { name: 'clients', containerPort: 8080, protocol: 'TCP' },
    { name: 'control', containerPort: 8081, protocol: 'TCP' },
  ]);
  assert.deepEqual(clients.spec.ports, [{ name: 'clients', port: 80, targetPort: 'clients', protocol: 'TCP' }]);
  assert.deepEqual(control.spec.ports, [{ name: 'control', port: 8081, targetPort: 'control', protocol: 'TCP' }]);
  assert.equal(find(render(t, everything, NEW_KUBERNETES), 'Service', 'chat-wsaas').spec['type'], 'LoadBalancer');
  assert.equal(find(render(t, everything, NEW_KUBERNETES), 'Service', 'chat-wsaas-control').spec['type'], 'ClusterIP');
});

test('every selector finds the pods, and no label of the user can change that', (t) => {
  const stolen = { 'app.kubernetes.io/name': 'other', 'app.kubernetes.io/instance': 'other' };
  const manifests = render(t, { ...smallest, commonLabels: stolen, podLabels: { ...stolen, tier: 'edge' } });
  const { selector, template: pods } = find(manifests, 'Deployment').spec;
  const own = { 'app.kubernetes.io/name': 'wsaas', 'app.kubernetes.io/instance': 'chat' };
  assert.deepEqual(selector.matchLabels, own);
  assert.deepEqual(pods.metadata.labels, { ...own, tier: 'edge' });
  assert.deepEqual(find(manifests, 'PodDisruptionBudget').spec.selector.matchLabels, own);
  for (const name of ['chat-wsaas', 'chat-wsaas-control']) assert.deepEqual(find(manifests, 'Service', name).spec.selector, own);
});

test('probes ask the control port: alive, and ready for clients', (t) => {
  const [{ startupProbe, livenessProbe, readinessProbe }] = podOf(render(t, smallest)).containers;
  assert.deepEqual(startupProbe.httpGet, { path: '/livez', port: 'control' });
  assert.deepEqual(livenessProbe.httpGet, { path: '/livez', port: 'control' });
  assert.deepEqual(readinessProbe.httpGet, { path: '/readyz', port: 'control' });
});

test('a pod runs without root, without writing and without a token of the cluster', (t) => {
  const pod = podOf(render(t, smallest));
  assert.equal(pod.automountServiceAccountToken, false);
  assert.equal(pod.enableServiceLinks, false);
  assert.deepEqual(pod.securityContext, {
    runAsNonRoot: true,
    runAsUser: 1000,
    runAsGroup: 1000,
    fsGroup: 1000,
    seccompProfile: { type: 'RuntimeDefault' },
  });
  assert.deepEqual(pod.containers[0].securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
});

test('the grace period covers the whole drain and its margin, in seconds rounded up', (t) => {
  const graceOf = (values: object) => podOf(render(t, values, NEW_KUBERNETES)).terminationGracePeriodSeconds;
  assert.equal(graceOf(smallest), 5 + 10 + 5 + 5); // DRAIN_DELAY_MS of the chart, DRAIN_MS of the program, src/core/drain.ts, margin
  assert.equal(graceOf({ config: { API_URI, DRAIN_DELAY_MS: 0, DRAIN_MS: 0 } }), 5 + 5);
  assert.equal(graceOf({ config: { API_URI, DRAIN_DELAY_MS: 7_500, DRAIN_MS: 45_001 } }), 58 + 5);
  assert.equal(graceOf({ config: { API_URI, DRAIN_DELAY_MS: null } }), 10 + 5 + 5);
  assert.equal(graceOf({ config: { API_URI, DRAIN_MS: 3_600_000 }, graceMarginSeconds: 30, preStopSleepSeconds: 3 }), 3 + 3_610 + 30);
});

test('a sleep before SIGTERM is there only if asked for, and only where Kubernetes knows it', (t) => {
  assert.equal(podOf(render(t, smallest)).containers[0].lifecycle, undefined);
  const values = { ...smallest, preStopSleepSeconds: 3 };
  assert.deepEqual(podOf(render(t, values, NEW_KUBERNETES)).containers[0].lifecycle, { preStop: { sleep: { seconds: 3 } } });
  assert.match(template(t, values, ['--kube-version', '1.28.9']).error, /preStopSleepSeconds needs Kubernetes 1\.29, this is v1\.28\.9/);
});

test('a backend is told the address of the very pod that holds the client, unless told otherwise', (t) => {
  const { effective } = checkConfig(t, podOf(render(t, { config: { API_URI, CONTROL_PORT: 9_001 } })));
  assert.equal(effective['WS_HOSTNAME'], '10.1.2.3:9001');
  assert.equal(effective['NODE_NAME'], 'chat-wsaas-6d5f7c9b8-x2x4q');
  assert.equal(effective['CONTROL_PORT'], '9001');
  assert.equal(effective['DRAIN_DELAY_MS'], '5000');
  const six = render(t, { config: { API_URI, WS_HOSTNAME: '[$(POD_IP)]:8081' } });
  assert.equal(environmentOf(podOf(six).containers[0].env)['WS_HOSTNAME'], '[10.1.2.3]:8081');
  const { effective: own } = checkConfig(t, podOf(render(t, onePod)));
  assert.equal(own['WS_HOSTNAME'], 'http://sockets-control.default:9001/commands');
  assert.equal(own['NODE_NAME'], 'the-only-one');
});

test('the control API keeps a port of its own, even where its value is taken away', (t) => {
  const [{ env, ports }] = podOf(render(t, { config: { API_URI, CONTROL_PORT: null } })).containers;
  assert.equal(environmentOf(env)['CONTROL_PORT'], '8081');
  assert.equal(ports[1]?.containerPort, 8081);
});

test('every option is reachable: those in the open as config, secrets by reference only', async (t) => {
  const ca = await startAuthority(t);
  const config: Record<string, unknown> = {};
  const secrets: Record<string, unknown> = {};
  const samples: Record<string, unknown> = {
    API_URI,
    WS_HOSTNAME: 'gateway:1',
    CONTROL_PORT: 9_999,
    CONTROL_HOST: '0.0.0.0',
    TRUST_PROXY: '10.0.0.0/8',
    NODE_NAME: 'me',
    JOURNAL_DIR: '/journal',
    TLS_CERT_FILE: ca.certFile,
    TLS_KEY_FILE: ca.keyFile,
    TLS_CLIENT_CA_FILE: ca.certFile,
    JWT_JWKS_URI: 'https://login.example/keys',
    JWT_ISSUER: 'https://login.example',
    JWT_AUDIENCE: 'chat',
    JWT_CLAIM_TAGS: 'user=sub',
    ORIGINS: 'https://a.example',
    CONTROL_ALLOW: '10.0.0.0/8',
    LOG_FORMAT: 'json',
    CONTROL_ORIGINS: 'https://ops.example',
    EXTENSIONS: './counts.js',
  };
  for (const [name, schema] of Object.entries(schemas)) {
    if (name === 'ROUTES_FILE' || isFileOfSecret(name)) continue; // instead of API_URI: the next test; instead of the secret itself
    if (schema.isSecret === true) secrets[name] = { name: 'mine', key: name.toLowerCase() };
    else config[name] = samples[name] ?? schema.default;
    assert.ok(name in secrets || config[name] !== undefined, `${name} has no default: give this test a sample of it`);
  }
  const pod = podOf(render(t, { config, secrets, replicaCount: 1, journal: { enabled: true } }));
  const { effective, complaint } = checkConfig(t, pod);
  assert.equal(complaint, '');
  for (const [name, value] of Object.entries(config)) if (name !== 'JOURNAL_DIR') assert.equal(effective[name], String(value), name);
  for (const name of Object.keys(secrets)) {
    assert.equal(effective[name], '***', name);
    const variable = pod.containers[0].env.find((candidate) => candidate.name === name);
    assert.deepEqual(variable?.valueFrom?.secretKeyRef, { name: 'mine', key: name.toLowerCase() });
  }
  assert.deepEqual(pod.containers[0].volumeMounts, [{ name: 'journal', mountPath: '/journal' }]);
});

test('MAX_CONNECTIONS follows from the memory limit and the workers, unless it is given', (t) => {
  const mostOf = (memory: unknown, config: object = {}) => {
    const values = { config: { API_URI, ...config }, resources: { limits: { memory } } };
    return checkConfig(t, podOf(render(t, values))).effective['MAX_CONNECTIONS'];
  };
  const standard = (2 ** 30 - 128 * 2 ** 20) / 2 / 20_000;
  assert.equal(checkConfig(t, podOf(render(t, smallest))).effective['MAX_CONNECTIONS'], String(Math.floor(standard)));
  assert.equal(mostOf('1Gi'), '23488');
  assert.equal(mostOf(2 ** 30), '23488');
  assert.equal(mostOf('1.5G'), String(Math.floor((1.5e9 - 128 * 2 ** 20) / 40_000)));
  assert.equal(mostOf('2Gi', { WORKERS: 2 }), '23488');
  assert.equal(mostOf('2Gi', { WORKERS: 'auto' }), '0');
  assert.equal(mostOf('1Gi', { MAX_CONNECTIONS: 100 }), '100');
  assert.equal(mostOf('1Gi', { MAX_CONNECTIONS: 0 }), '0');
  assert.equal(mostOf(null), '0');
});

test('several pods share an address only where each tells its own, a bus connects them, or the user knows the way', (t) => {
  const shared = { API_URI, WS_HOSTNAME: 'gateway.example.com' };
  assert.equal(template(t, { config: shared, replicaCount: 1 }).status, 0);
  assert.equal(template(t, { config: shared, replicaCount: 3, pushesAreRouted: true }).status, 0);
  assert.equal(template(t, { config: { API_URI, WS_HOSTNAME: 'http://$(POD_IP):8081/x' }, replicaCount: 3 }).status, 0);
});

test('an engine joins the pods: by its URL or by a Secret, each cluster under a name of its own, its credentials from a file', async (t) => {
  const variablesOf = (values: object) => podOf(render(t, { ...smallest, replicaCount: 3, ...values })).containers[0].env;
  const byUrl = environmentOf(variablesOf({ cluster: { url: 'redis://redis.databases:6379' } }));
  assert.deepEqual(
    [byUrl['CLUSTER_URL'], byUrl['CLUSTER_NAME'], byUrl['WS_HOSTNAME'], byUrl['NODE_NAME']],
    ['redis://redis.databases:6379', 'sockets-chat-wsaas', '10.1.2.3:8081', 'chat-wsaas-6d5f7c9b8-x2x4q'],
  );
  const bySecret = variablesOf({ cluster: { urlFrom: { name: 'engine', key: 'url' }, address: 'service' } });
  assert.deepEqual(bySecret.find(({ name }) => name === 'CLUSTER_URL')?.valueFrom?.secretKeyRef, { name: 'engine', key: 'url' });
  assert.equal(environmentOf(bySecret)['WS_HOSTNAME'], 'chat-wsaas-control.sockets:8081');
  assert.equal(environmentOf(variablesOf({}))['CLUSTER_NAME'], undefined);
  const pod = podOf(render(t, { ...smallest, cluster: { url: 'nats://n', credentialsFrom: { name: 'nats', key: 'creds' } } }));
  assert.deepEqual(pod.volumes, [
    { name: 'cluster-credentials', secret: { secretName: 'nats', items: [{ key: 'creds', path: 'credentials' }] } },
  ]);
  assert.deepEqual(pod.containers[0].volumeMounts, [{ name: 'cluster-credentials', mountPath: '/etc/wsaas/cluster', readOnly: true }]);
  assert.equal(environmentOf(pod.containers[0].env)['CLUSTER_CREDENTIALS_FILE'], '/etc/wsaas/cluster/credentials');
});

test('a network policy that says whom the pods may call lets them reach DNS and their engine', (t) => {
  const policy = find(render(t, everything, NEW_KUBERNETES), 'NetworkPolicy').spec;
  assert.deepEqual(policy['policyTypes'], ['Ingress', 'Egress']);
  const [dns, backends, engine] = policy['egress'] as { ports?: { port: number }[]; to?: object[] }[];
  assert.deepEqual(
    dns?.ports?.map(({ port }) => port),
    [53, 53],
  );
  assert.deepEqual(backends?.to, [{ podSelector: { matchLabels: { app: 'api' } } }]);
  assert.deepEqual(engine?.to, [{ podSelector: { matchLabels: { app: 'redis' } } }]);
});

test('the notes say who may call the control API, and how many clients there may be', (t) => {
  const notesOf = (values: object) => {
    const { status, output, error } = helm(t, ['install', 'chat', CHART, '--namespace', 'sockets', '--dry-run=client'], values);
    assert.equal(status, 0, error);
    return output.slice(output.indexOf('NOTES:')).replaceAll(/\s+/g, ' ');
  };
  const plain = notesOf(smallest);
  assert.match(
    plain,
    /Who may call the control API: addresses in loopback and the private networks, without a token .*; that is every pod of the cluster/,
  );
  assert.match(plain, /23488 at most, by the memory limit 1Gi/);
  const guarded = notesOf({
    config: { API_URI, CONTROL_ALLOW: '100.64.0.0/10', MAX_CONNECTIONS: 5 },
    secrets: { CONTROL_TOKEN: { name: 'keys', key: 'token' } },
    networkPolicy: { enabled: true, controlFrom: [{ podSelector: {} }] },
  });
  assert.match(
    guarded,
    /addresses in 100\.64\.0\.0\/10, with a bearer token of the Secret keys, from the peers in networkPolicy\.controlFrom only\./,
  );
  assert.doesNotMatch(guarded, /Clients per worker/);
});

test('a file of routes does instead of a backend', (t) => {
  const volume = { name: 'routes', configMap: { name: 'routes' } };
  const mount = { name: 'routes', mountPath: '/etc/wsaas' };
  const config = { ROUTES_FILE: '/etc/wsaas/routes.yaml' };
  const [{ env, volumeMounts }] = podOf(render(t, { config, extraVolumes: [volume], extraVolumeMounts: [mount] })).containers;
  assert.equal(environmentOf(env)['ROUTES_FILE'], '/etc/wsaas/routes.yaml');
  assert.deepEqual(volumeMounts, [mount]);
});

test('values mean what they say: large numbers, zeros, and what YAML makes of on and off', (t) => {
  const { effective } = checkConfig(t, podOf(render(t, onePod)));
  assert.equal(effective['CLOSE_RETRY_FOR_MS'], '86400000');
  assert.equal(effective['WS_TIMEOUT'], '0');
  assert.equal(effective['LOG_LEVEL'], 'DEBUG');
  assert.equal(effective['COMPRESSION'], 'on');
  assert.equal(effective['WORKERS'], '2');
  const switches = JSON.parse(readFileSync(join(CHART, 'options.json'), 'utf8')) as { switches: string[] };
  for (const value of [true, false, 'on', 'off']) {
    const config = { API_URI, ...Object.fromEntries(switches.switches.map((name) => [name, value])) };
    const environment = environmentOf(podOf(render(t, { config })).containers[0].env);
    for (const name of switches.switches) assert.equal(environment[name], value === true || value === 'on' ? 'on' : 'off');
  }
});

test('the journal is on a volume: an emptyDir with or without a limit, or what the user names', (t) => {
  const volumeOf = (journal: object) => podOf(render(t, { ...smallest, journal: { enabled: true, ...journal } })).volumes;
  assert.deepEqual(volumeOf({}), [{ name: 'journal', emptyDir: { sizeLimit: '256Mi' } }]);
  assert.deepEqual(volumeOf({ sizeLimit: '' }), [{ name: 'journal', emptyDir: {} }]);
  assert.deepEqual(volumeOf({ volume: { hostPath: { path: '/j' } } }), [{ name: 'journal', hostPath: { path: '/j' } }]);
  assert.equal(podOf(render(t, smallest)).volumes, undefined);
});

test('what is optional is rendered as asked: ingress, network policy, autoscaling, budget, spread', (t) => {
  const few = render(t, onePod).map(({ kind }) => kind);
  assert.deepEqual(few.toSorted(), ['Deployment', 'Pod', 'Service', 'Service']);
  const all = render(t, everything, NEW_KUBERNETES);
  const own = { 'app.kubernetes.io/name': 'wsaas', 'app.kubernetes.io/instance': 'chat' };
  assert.equal(find(all, 'Deployment').spec['replicas'], undefined); // else every upgrade would undo the autoscaler's work
  assert.equal(find(all, 'HorizontalPodAutoscaler').spec['maxReplicas'], 20);
  assert.equal(find(all, 'PodDisruptionBudget').spec['maxUnavailable'], '25%');
  assert.deepEqual(podOf(all).topologySpreadConstraints?.[0]?.labelSelector, { matchLabels: own });
  const [clients, control] = find(all, 'NetworkPolicy').spec['ingress'] as { ports: { port: string }[]; from: object[] }[];
  assert.equal(clients?.ports[0]?.port, 'clients');
  assert.equal(control?.ports[0]?.port, 'control');
  assert.deepEqual(control?.from, [
    { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'backends' } }, podSelector: { matchLabels: { app: 'api' } } },
  ]);
  const [rule] = find(all, 'Ingress').spec['rules'] as { http: { paths: { path: string; backend: unknown }[] } }[];
  assert.deepEqual(rule?.http.paths[0]?.backend, { service: { name: 'chat-wsaas', port: { name: 'clients' } } });
});
