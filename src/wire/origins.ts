/** What `ORIGINS` may hold: one origin, or every host below a name. */
export type OriginPattern =
  | { readonly type: 'exact'; readonly origin: string }
  | {
      readonly type: 'below';
      /** Null: any. */
      readonly scheme: string | null;
      /** With its leading dot. */
      readonly suffix: string;
      /** Empty: the scheme's standard one. Null: any. */
      readonly port: string | null;
    };

/** An origin as RFC 6454 §6.2 writes it: scheme, host and, where it is not the scheme's standard one, a port. */
const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/(\[[0-9a-f:.]*\]|[^/?#@\\:[\]\s]*)(?::([1-9][0-9]{0,4}))?$/;
const NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const LARGEST_PORT = 65_535;
const NO_PORT = `a port is at most ${LARGEST_PORT}`;
const STANDARD_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** Reads an entry of an allow list; or says why it could match nothing. */
export function readOriginPattern(entry: string): OriginPattern | string {
  const text = entry.toLowerCase();
  if (text === '*') return 'leave the list away to let in every origin';
  if (text === 'null') return 'this is what sandboxed pages of anybody send';
  if (text.startsWith('*.')) return below(null, text);
  const [, scheme, host = '', port] = ORIGIN.exec(text) ?? [];
  if (scheme === undefined) return 'an origin is a scheme and a host, with a port if need be, and nothing behind it';
  if (scheme === 'ws' || scheme === 'wss')
    return `the origin of a page begins with http${scheme.slice(2)}://, also where it opens ${scheme}://`;
  if (port !== undefined && STANDARD_PORTS[scheme] === port) return `leave :${port} away, which an origin of ${scheme} never names`;
  if (Number(port ?? 0) > LARGEST_PORT) return NO_PORT;
  if (host.startsWith('*.')) return below(scheme, text.slice(scheme.length + '://'.length));
  if (host.includes('*')) return '* stands only for what is before the first dot, as in https://*.example.com';
  return hostProblem(scheme, host) ?? { type: 'exact', origin: text };
}

function below(scheme: string | null, text: string): OriginPattern | string {
  const [name = '', port, ...more] = text.slice('*.'.length).split(':');
  if (!NAME.test(name) || more.length > 0 || !/^[1-9][0-9]{0,4}$/.test(port ?? '1'))
    return 'behind *. stands a name, with a port if need be';
  if (Number(port ?? 0) > LARGEST_PORT) return NO_PORT;
  if (/(?:^|\.)[0-9]+$/.test(name)) return 'no names are below an address';
  if (scheme === 'file') return 'the origin of every file is file://';
  return { type: 'below', scheme, suffix: `.${name}`, port: port ?? (scheme === null ? null : '') };
}

/** Browsers write the hosts of http and https in one way only; those of apps and extensions are whatever their makers chose. */
function hostProblem(scheme: string, host: string): string | null {
  if (scheme === 'file') return host === '' ? null : 'the origin of every file is file://';
  if (host === '') return 'it has no host';
  if (!(scheme in STANDARD_PORTS)) return null;
  const url = `${scheme}://${host}`;
  if (!URL.canParse(url)) return 'its host is none';
  const { origin } = new URL(url);
  return origin === url ? null : `browsers write it ${origin}`;
}

/** Does one of the patterns match this `Origin`? */
export function originMatcher(patterns: readonly OriginPattern[]): (origin: string) => boolean {
  const exact = new Set(patterns.flatMap((pattern) => (pattern.type === 'exact' ? [pattern.origin] : [])));
  const names = patterns.filter((pattern) => pattern.type === 'below');
  return (origin) => {
    const asked = origin.toLowerCase();
    if (exact.has(asked)) return true;
    const [, scheme, host = '', port = ''] = ORIGIN.exec(asked) ?? [];
    return names.some(
      (name) =>
        (name.scheme ?? scheme) === scheme &&
        host.endsWith(name.suffix) &&
        host.length > name.suffix.length &&
        (name.port ?? port) === port,
    );
  };
}
