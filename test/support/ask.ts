import { request, type IncomingHttpHeaders } from 'node:http';

export type Asked = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };
type Options = { readonly method?: string; readonly body?: string; readonly headers?: Record<string, string> };

/** One request over a connection of its own, which any worker may get. Rejects where that connection breaks. */
export function ask(url: string, { method = 'GET', body = '', headers = {} }: Options = {}): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { method, headers, agent: false }, (response) => {
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
