import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { helmBinary } from './helm-binary.ts';

export const CHART = fileURLToPath(new URL('../../helm/wsaas', import.meta.url));

export type Probe = { httpGet: { path: string; port: string; scheme?: string }; periodSeconds: number; failureThreshold: number };
export type Variable = {
  name: string;
  value?: string;
  valueFrom?: { fieldRef?: { fieldPath: string }; secretKeyRef?: { name: string; key: string } };
};
export type Container = {
  image: string;
  command?: string[];
  args?: string[];
  ports: { name: string; containerPort: number }[];
  env: Variable[];
  envFrom?: { configMapRef: { name: string; optional?: boolean } }[];
  startupProbe: Probe;
  livenessProbe: Probe;
  readinessProbe: Probe;
  lifecycle?: { preStop: { sleep: { seconds: number } } };
  securityContext: Record<string, unknown>;
  volumeMounts?: { name: string; mountPath: string }[];
};
export type Volume = { name: string; secret?: { secretName: string; items?: { key: string; path: string }[] } };
export type PodSpec = {
  containers: [Container];
  terminationGracePeriodSeconds: number;
  automountServiceAccountToken: boolean;
  enableServiceLinks: boolean;
  securityContext: Record<string, unknown>;
  volumes?: Volume[];
  /** Volumes that each pod of a StatefulSet has of its own. */
  claims?: string[];
  topologySpreadConstraints?: { labelSelector: unknown }[];
};
export type Manifest = {
  kind: string;
  metadata: { name: string; labels: Record<string, string> };
  spec: Record<string, unknown> & {
    selector: { matchLabels: Record<string, string> };
    template: { metadata: { labels: Record<string, string> }; spec: PodSpec };
    ports: { port: number; targetPort: string }[];
  };
};

export type HelmResult = { readonly status: number; readonly output: string; readonly error: string };

/** Values as a file of the chart, or as an object. */
export type Values = string | object;

const results = new Map<string, HelmResult>();

/** A helm run is a pure function of what it is given, and dear: the same is run once in a file of tests. */
export function helm(t: Pick<TestContext, 'after'>, argv: readonly string[], values: Values): HelmResult {
  const key = JSON.stringify([argv, values]);
  const result = results.get(key) ?? runHelm(t, argv, values);
  results.set(key, result);
  return result;
}

function runHelm(t: Pick<TestContext, 'after'>, argv: readonly string[], values: Values): HelmResult {
  const folder = mkdtempSync(join(tmpdir(), 'wsaas-values-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  let file = values;
  if (typeof file !== 'string') {
    file = join(folder, 'values.yaml');
    writeFileSync(file, JSON.stringify(values)); // JSON is YAML in which nobody reads `no` as false
  }
  // nothing of the user's helm: no plugins, no repositories, no cluster
  const env = { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: join(folder, 'none') };
  const { status, stdout, stderr, error } = spawnSync(helmBinary(), [...argv, '--values', file], { env, encoding: 'utf8' });
  if (error) throw new Error(`helm did not start: ${error.message}; set HELM to the path of a helm 4`, { cause: error });
  return { status: status ?? -1, output: stdout, error: stderr };
}

export function template(t: Pick<TestContext, 'after'>, values: Values, flags: readonly string[] = []): HelmResult {
  return helm(t, ['template', 'chat', CHART, '--namespace', 'sockets', ...flags], values);
}

/** What helm would install; YAML that says a key twice is refused. */
export function render(t: Pick<TestContext, 'after'>, values: Values, flags: readonly string[] = []): Manifest[] {
  const { status, output, error } = template(t, values, flags);
  if (status !== 0) throw new Error(`helm template ended with ${status}: ${error}`);
  return parseAllDocuments(output)
    .map((document) => {
      if (document.errors.length > 0) throw new Error(`helm rendered bad YAML: ${String(document.errors[0])}\n${output}`);
      return document.toJS() as Manifest | null;
    })
    .filter((manifest) => manifest !== null);
}

export function find(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind && (name === undefined || manifest.metadata.name === name));
  if (found.length !== 1 || found[0] === undefined) {
    throw new Error(
      `wanted one ${kind} ${name ?? ''}, rendered were ${manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ')}`,
    );
  }
  return found[0];
}

/** The pod of whatever keeps the pods. */
export function workloadOf(manifests: readonly Manifest[]): PodSpec {
  if (!manifests.some(({ kind }) => kind === 'StatefulSet')) return podOf(manifests);
  const { template, volumeClaimTemplates } = find(manifests, 'StatefulSet').spec;
  const claims = (volumeClaimTemplates as { metadata: { name: string } }[] | undefined) ?? [];
  return { ...template.spec, claims: claims.map(({ metadata }) => metadata.name) };
}

export function podOf(manifests: readonly Manifest[]): PodSpec {
  return find(manifests, 'Deployment').spec.template.spec;
}
