import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { makePair } from '../support/authority.ts';
import type { PodSpec, Variable } from './chart.ts';

/** What the Secrets of a cluster hold, by name and key. */
export type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

const DOWNWARD: Readonly<Record<string, string>> = { 'status.podIP': '10.1.2.3', 'metadata.name': 'chat-wsaas-6d5f7c9b8-x2x4q' };

/** Of secrets that become variables: by the variable, whatever the Secret is called. */
const VALUES: Readonly<Record<string, string>> = {
  API_URI: 'https://api.example.com/ws?code=k',
  BACKEND_HEADERS: '{"x-api-key":"k"}',
  CLUSTER_URL: 'redis://:k@redis:6379',
  WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
};

const { cert: certificate, key } = await makePair('gateway', 'authority');

/** The Secrets that the sets of values mount, under the keys that they say. */
export const SECRETS: Secrets = {
  'gateway-tls': { 'tls.crt': certificate, 'tls.key': key, 'chain.pem': certificate, 'key.pem': key },
  callers: { 'ca.crt': certificate, 'bundle.pem': certificate },
  redis: { password: 'user:a-secret' },
};

/** The variables as the kubelet hands them to the process: downward API, secrets, then `$(NAME)` of those before. */
export function environmentOf(variables: readonly Variable[]): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const { name, value, valueFrom } of variables) {
    if (name in environment) throw new Error(`${name} is twice in the environment`);
    if (value !== undefined) environment[name] = value.replaceAll(/\$\((\w+)\)/g, (whole, other: string) => environment[other] ?? whole);
    else if (valueFrom?.fieldRef) environment[name] = downward(valueFrom.fieldRef.fieldPath);
    else if (valueFrom?.secretKeyRef) environment[name] = VALUES[name] ?? 'a-secret';
    else throw new Error(`${name} has neither a value nor a source`);
  }
  return environment;
}

function downward(path: string): string {
  const value = DOWNWARD[path];
  if (value === undefined) throw new Error(`the downward API has no ${path} here`);
  return value;
}

/**
 * The environment of a pod's gateway on this machine: what the kubelet mounts is in folders of the test, and variables that lead
 * into a mount lead into its folder. Throws where a pod would not start: for a mount without a volume, a Secret without the key.
 */
export function environmentHere(t: Pick<TestContext, 'after'>, pod: PodSpec, secrets: Secrets = SECRETS): Record<string, string> {
  const [{ env, envFrom = [], volumeMounts = [] }] = pod.containers;
  for (const { configMapRef } of envFrom)
    // a cluster without it starts the pod all the same
    if (configMapRef.optional !== true) throw new Error(`there is no ConfigMap ${configMapRef.name} here`);
  const folders = volumeMounts.map(({ name, mountPath }) => ({ mountPath, folder: mounted(t, filesOf(pod, name, secrets)) }));
  const moved = Object.entries(environmentOf(env)).map(([name, value]) => {
    const mount = folders.find(({ mountPath }) => value === mountPath || value.startsWith(`${mountPath}/`));
    return [name, mount === undefined ? value : mount.folder + value.slice(mount.mountPath.length)];
  });
  return Object.fromEntries(moved) as Record<string, string>;
}

/** By path in the mount. */
function filesOf({ volumes = [], claims = [] }: PodSpec, name: string, secrets: Secrets): Readonly<Record<string, string>> {
  const volume = volumes.find((one) => one.name === name);
  if (volume === undefined && !claims.includes(name)) throw new Error(`no volume is called ${name}`);
  if (volume?.secret === undefined) return {};
  const { secretName, items } = volume.secret;
  const content = secrets[secretName];
  if (items === undefined) return content ?? secrets['gateway-tls'] ?? {};
  const parts = items.map((item): [string, string] => {
    const value = content === undefined ? 'a-secret' : content[item.key];
    if (value === undefined) throw new Error(`the Secret ${secretName} has no ${item.key}`);
    return [item.path, value];
  });
  return Object.fromEntries(parts);
}

function mounted(t: Pick<TestContext, 'after'>, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'wsaas-mount-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}
