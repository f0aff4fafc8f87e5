import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { connect } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { bodyOf, isEvent, ok, wholeFile } from '../support/guests.ts';
import { readWholeAnswer } from '../support/http-answers.ts';
import { RawLine } from '../support/raw-line.ts';
import { routesFile } from '../support/routes-file.ts';
import { enterStation } from '../support/station.ts';

const backend = await startBackend(wholeFile, ({ headers, method, url }) => {
  if (url.includes('/raw/')) return { body: method === 'GET' ? 'ok' : '' };
  return headers['ws-event'] === 'open' ? ok() : {};
});
const { path: file } = await routesFile(
  wholeFile,
  `routes:
  - { path: "/chat/*", backend: "${backend.url}/chat" }
  - { path: "/raw/:id", dialect: raw, backend: "${backend.url}/raw", controlPath: /raw }
  - { path: "/ocpp/:id", dialect: ocpp, backend: "${backend.url}/ocpp" }
`,
);

const opens = () => backend.calls.all.filter(isEvent('open'));

/** What may follow a command in its segment. */
const GARBAGE = {
  zeros: '\0\0\0',
  'no request': 'NONSENSE\r\n\r\n',
  'a greeting of TLS': '\x16\x03\x01\x02\x00\x01\x00',
  'a bad header': 'PUT / HTTP/1.1\r\nbad header\r\n\r\n',
  'a long head': 'x'.repeat(20_000),
  'a body that was not announced': '\r\n\r\n{}',
  'a bad chunk': 'PUT /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'a tunnel': 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n',
} as const;

type Names = { readonly id: string; readonly other: string };

/** Every command that takes effect, and what it is answered. */
const COMMANDS: Readonly<Record<string, readonly [line: (names: Names) => string, body: string, status: number]>> = {
  'a push': [({ id }) => `PUT /${id}`, 'pushed', 200],
  'a description': [({ id }) => `GET /${id}`, '', 200],
  'a close': [({ other }) => `DELETE /${other}`, '', 200],
  'a push to a raw client': [() => 'POST /raw/R1', 'pushed', 200],
  'a push to many': [({ id }) => `POST /send?id=${id}`, 'pushed', 200],
  'tags for many': [({ id }) => `POST /settags?id=${id}`, 'a={n}', 200],
  'a close of many': [({ other }) => `POST /close?id=${other}`, '', 200],
  'a count': [() => 'GET /count?all=true', '', 200],
  'a status': [() => 'GET /status', '', 200],
  'a call of a charge point': [() => 'POST /call/Reset/STATION/{n}', '{}', 202],
};

for (const [what, env] of [
  ['one port', {}],
  ['a port of its own', { CONTROL_PORT: '0' }],
  ['two workers', { WORKERS: '2' }],
] as const) {
  suite(`what follows a command in its segment does not change its answer, on ${what}`, async () => {
    const gateway = await startGateway(wholeFile, { ROUTES_FILE: file, ...env });
    let guests = 0;
    const enter = async (): Promise<string> => {
      guests += 1;
      const path = `/chat/${what.replaceAll(' ', '-')}/${guests}`;
      await connect(wholeFile, gateway.wsUrl + path);
      return String(opens().find((call) => call.url.endsWith('/chat') && bodyOf(call)['path'] === path)?.headers['ws-connection']);
    };
    const id = await enter();
    await connect(wholeFile, `${gateway.wsUrl}/raw/R1`);
    const station = await enterStation(wholeFile, { endpoint: `${gateway.wsUrl}/ocpp`, identity: 'STATION', protocols: ['ocpp1.6'] });
    station.handle('Reset', () => ({ status: 'Accepted' }));
    let number = 0;

    for (const [name, [lineOf, bodyOfAll, status]] of Object.entries(COMMANDS)) {
      for (const [kind, garbage] of Object.entries(GARBAGE)) {
        test(`${name}, then ${kind}`, async (t) => {
          number += 1;
          const line = new RawLine(Number(new URL(gateway.controlUrl).port));
          t.after(() => line.socket.destroy());
          const other = name.includes('close') ? await enter() : '';
          const body = bodyOfAll.replace('{n}', String(number)); // the same tag again would change none
          const first = `${lineOf({ id, other }).replace('{n}', `m${number}`)} HTTP/1.1\r\nHost: 127.0.0.1\r\n`;
          line.write(Buffer.from(`${first}${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}${garbage}`, 'latin1'));
          await line.ended(5_000, kind);
          const answer = readWholeAnswer(line.bytes);
          assert.equal(answer?.answer.status, status, line.bytes.toString());
          if (lineOf({ id, other }).includes('?')) assert.doesNotMatch(answer.answer.body.toString(), /^0$/);
          const refusal = readWholeAnswer(answer.rest);
          assert.ok((refusal?.answer.status ?? 0) >= 400, answer.rest.toString());
          assert.equal(refusal?.rest.length, 0);
        });
      }
    }
  });
}
