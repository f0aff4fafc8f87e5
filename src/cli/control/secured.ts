import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Dispatcher } from 'undici';
import { certificatesProblem, privateKeyProblem } from '../../config/certificates.ts';
import { EXIT_BAD_INPUT } from '../exit-codes.ts';
import { CommandProblem, misused } from './problem.ts';

/** Whom a client of the control API trusts, and as whom it comes: flags that name files in PEM. */
export const SECURED = {
  ca: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
} as const;

/** What stands in for a flag that was not given. */
const VARIABLES = { ca: 'CONTROL_CA_FILE', cert: 'CONTROL_CERT_FILE', key: 'CONTROL_KEY_FILE' } as const;

type Name = keyof typeof VARIABLES;
export type SecuredFlags = { readonly [Flag in Name]?: string | undefined };
/** PEM, and the word by which the user gave it. */
type Given = { readonly said: string; readonly pem: string };

/** Asks as `fetch` does, but by TLS of its own making. */
export type Ask = (url: URL, init: RequestInit) => Promise<Response>;

/**
 * What asks a control API whose certificate a private authority vouches for, or which wants one of its callers. Null: nothing of
 * the kind is given, by a flag or its variable. Rejects with a `CommandProblem` that names the flag, what was wanted and what came.
 */
export async function securedAsk(flags: SecuredFlags, env: Readonly<Record<string, string | undefined>>, url: URL): Promise<Ask | null> {
  const named = (Object.keys(VARIABLES) as Name[]).map((name) => placeOf(name, flags, env)).filter((place) => place !== null);
  const [first] = named;
  if (first === undefined) return null;
  if (url.protocol !== 'https:') throw misused(`${first.said} is for a control API that speaks https; --url is ${url.href}`);
  const read = new Map(await Promise.all(named.map(async ({ name, ...place }) => [name, await pemOf(name, place)] as const)));
  const [cert, key] = [read.get('cert'), read.get('key')];
  if ((cert === undefined) !== (key === undefined))
    throw misused('--cert and --key go together: a certificate and the private key of it; one of them came');
  if (cert !== undefined && key !== undefined && !new X509Certificate(cert.pem).checkPrivateKey(createPrivateKey(key.pem)))
    throw new CommandProblem(EXIT_BAD_INPUT, `${key.said} must hold the key of the first certificate in ${cert.said}; it holds another`);
  return askBy({ ca: read.get('ca')?.pem, cert: cert?.pem, key: key?.pem });
}

type Place = { readonly name: Name; readonly said: string; readonly path: string };

function placeOf(name: Name, flags: SecuredFlags, env: Readonly<Record<string, string | undefined>>): Place | null {
  const flag = flags[name];
  if (flag === '') throw misused(`--${name} must name a file, nothing came`);
  if (flag !== undefined) return { name, said: `--${name}`, path: flag };
  const path = env[VARIABLES[name]] ?? '';
  return path === '' ? null : { name, said: VARIABLES[name], path };
}

async function pemOf(name: Name, { said, path }: Omit<Place, 'name'>): Promise<Given> {
  let pem: string;
  try {
    pem = await readFile(path, 'utf8');
  } catch (error) {
    throw new CommandProblem(EXIT_BAD_INPUT, `${said} must be a file that can be read: ${(error as Error).message}`);
  }
  const problem = name === 'key' ? privateKeyProblem(pem) : certificatesProblem(pem);
  if (problem !== null) throw new CommandProblem(EXIT_BAD_INPUT, `${said} ${problem}; ${JSON.stringify(path)} came`);
  return { said, pem };
}

type Pem = { readonly [Part in Name]: string | undefined };

/** By undici's own `fetch`: the one of Node takes no agent of another version. */
async function askBy({ ca, cert, key }: Pem): Promise<Ask> {
  const { Agent, fetch } = await import('undici');
  const connect = { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) };
  const dispatcher: Dispatcher = new Agent({ connect });
  return (url, init) => fetch(url, { ...(init as object), dispatcher });
}
