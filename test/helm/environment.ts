import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import { MAIN } from '../support/gateway.ts';
import { ConfigError, loadConfig } from '../../src/config/load.ts';
import type { PodSpec, Variable } from './chart.ts';

const DOWNWARD: Readonly<Record<string, string>> = { 'status.podIP': '10.1.2.3', 'metadata.name': 'chat-wsaas-6d5f7c9b8-x2x4q' };
const SECRETS: Readonly<Record<string, string>> = {
  API_URI: 'https://api.example.com/ws?code=k',
  BACKEND_HEADERS: '{"x-api-key":"k"}',
  CLUSTER_URL: 'redis://:k@redis:6379',
  WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
};

/** The variables as the kubelet hands them to the process: downward API, secrets (made up here), then `$(NAME)` of those before. */
export function environmentOf(variables: readonly Variable[]): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const { name, value, valueFrom } of variables) {
    if (name in environment) throw new Error(`${name} is twice in the environment`);
    if (value !== undefined) environment[name] = value.replaceAll(/\$\((\w+)\)/g, (whole, other: string) => environment[other] ?? whole);
    else if (valueFrom?.fieldRef) environment[name] = downward(valueFrom.fieldRef.fieldPath);
    else if (valueFrom?.secretKeyRef) environment[name] = SECRETS[name] ?? 'a-secret';
    else throw new Error(`${name} has neither a value nor a source`);
  }
  return environment;
}

/** What the kubelet would mount, made here. */
const PEM = madeHere();

function madeHere(): Readonly<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'wsaas-tls-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, 'tls.key'), join(folder, 'tls.crt')];
  const { status } = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
    '-subj',
    '/CN=gateway',
    '-days',
    '1',
  ]);
  if (status !== 0) throw new Error('openssl is needed to make a certificate');
  return { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, TLS_CLIENT_CA_FILE: cert };
}

export type Checked = { readonly effective: Readonly<Record<string, string>>; /** Mistakes and warnings. */ readonly complaint: string };

/** What the program's own reading makes of the environment of a rendered pod, its volumes being empty folders. */
export function checkConfig(t: Pick<TestContext, 'after'>, pod: PodSpec): Checked {
  try {
    const { effective, warnings } = loadConfig(environmentHere(t, pod));
    return { effective, complaint: warnings.join('\n') };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { effective: {}, complaint: error.message };
  }
}

/** The same by the whole program, `--check-config`: it sees what is for Node too, but is a process. */
export function runCheckConfig(t: Pick<TestContext, 'after'>, pod: PodSpec): Promise<Checked & { readonly code: number }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, '--check-config'], { cwd: '/', env: environmentHere(t, pod) }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, effective: pairs(stdout), complaint: stderr });
    });
  });
}

function environmentHere(t: Pick<TestContext, 'after'>, pod: PodSpec): Record<string, string> {
  const [{ env, volumeMounts = [] }] = pod.containers;
  const environment = environmentOf(env);
  const mount = volumeMounts.find(({ mountPath }) => mountPath === environment['JOURNAL_DIR']);
  if (mount !== undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'wsaas-journal-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    environment['JOURNAL_DIR'] = folder;
  }
  const credentials = environment['CLUSTER_CREDENTIALS_FILE'];
  if (credentials !== undefined && volumeMounts.some(({ mountPath }) => credentials.startsWith(mountPath)))
    environment['CLUSTER_CREDENTIALS_FILE'] = fileURLToPath(import.meta.url); // any file that is not empty
  for (const name of ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CLIENT_CA_FILE']) {
    const path = environment[name];
    if (path !== undefined && volumeMounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`))) environment[name] = PEM[name] ?? '';
  }
  return environment;
}

function downward(path: string): string {
  const value = DOWNWARD[path];
  if (value === undefined) throw new Error(`the downward API has no ${path} here`);
  return value;
}

function pairs(lines: string): Record<string, string> {
  const parted = lines
    .split('\n')
    .filter((line) => line.includes('='))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return Object.fromEntries(parted) as Record<string, string>;
}
