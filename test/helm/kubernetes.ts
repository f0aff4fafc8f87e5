import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

/** Where the schemas of each API are, which are made of Kubernetes' own OpenAPI document and of the operators' CRDs. */
const PACKAGES: Readonly<Record<string, string>> = {
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  'keda.sh': '@kubernetes-models/keda',
};

export type Named = { readonly apiVersion?: unknown; readonly kind?: unknown };

type Model = new (manifest: Named) => { validate(): void };

/** What Kubernetes, or the operator, would refuse in this manifest: wrong types, values and formats, and what is missing. Null: nothing. */
export async function schemaProblem(manifest: Named): Promise<string | null> {
  const kind = String(manifest.kind);
  const Kind = ((await import(`${moduleOf(manifest)}/${kind}`)) as Readonly<Record<string, Model>>)[kind];
  if (Kind === undefined) throw new Error(`nothing here can check a ${kind}`);
  try {
    new Kind(manifest).validate();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Fields that Kubernetes does not know, which schemas let pass: the manifests are compiled as object literals of its types.
 * Resolves with the compiler's output, empty where all is well.
 */
export function unknownFields(t: Pick<TestContext, 'after'>, manifests: readonly Named[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'wsaas-manifests-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'));
  const file = join(folder, 'manifests.ts');
  const lines = manifests.map((manifest, index) => {
    const kind = String(manifest.kind);
    return `export const m${index}: import('${moduleOf(manifest)}/${kind}').I${kind} = ${JSON.stringify(manifest)};\n`;
  });
  writeFileSync(file, lines.join(''));
  const compiler = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'esnext', '--skipLibCheck', '--types', ''];
  return new Promise((resolve) => {
    execFile(process.execPath, [compiler, ...flags, file], { cwd: folder }, (_error, stdout, stderr) => resolve((stdout + stderr).trim()));
  });
}

function moduleOf({ apiVersion }: Named): string {
  const version = String(apiVersion);
  return `${PACKAGES[version.split('/')[0] ?? ''] ?? 'kubernetes-models'}/${version}`;
}
