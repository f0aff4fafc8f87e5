import { request, type IncomingHttpHeaders } from 'node:http';
import { request as requestSecurely } from 'node:https';
import type { ConnectionOptions } from 'node:tls';

export type Asked = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };
type Options = {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  /** Of `https`: whom we trust, and who we are. */
  readonly tls?: ConnectionOptions;
};

/** One request over a connection of its own, which any worker may get. Rejects where that connection breaks. */
export function ask(url: string, { method = 'GET', body = '', headers = {}, tls = {} }: Options = {}): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? requestSecurely : request;
    const asking = send(url, { method, headers, agent: false, ...tls }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      response.on('error', reject);
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

/** Asks again where the connection broke: its worker died, another one answers. */
export async function askSomeone(url: string, options: Options = {}): Promise<Asked> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask(url, options);
    } catch (error) {
      if (attempt === 9) throw error;
    }
  }
}
