import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { refusal } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { bodyOf, enter, isEvent, isOpenOf, ok, wholeFile, type Body, type Guest } from '../support/guests.ts';
import { exchange } from '../support/raw-socket.ts';

/** What the backend answers to `open`, by the client's path; and to a message: its text as WS-Set-Tags. */
const acceptances = new Map<string, Body>();
const backend = await startBackend(wholeFile, (call) => {
  if (isEvent('open')(call)) return ok(acceptances.get(String(bodyOf(call)['path'])) ?? {});
  return isEvent('message')(call) ? { headers: { 'ws-set-tags': call.text } } : {};
});
const gateway = await startGateway(wholeFile, { API_URI: backend.url });
const scene = { gateway, backend };

type Told = { readonly status: number; readonly text: string };

async function post(path: string, body?: string | FormData, type?: string): Promise<Told> {
  const headers = type === undefined ? {} : { 'content-type': type };
  const response = await fetch(gateway.controlUrl + path, { method: 'POST', headers, ...(body !== undefined && { body }) });
  return { status: response.status, text: await response.text() };
}

async function get(path: string, headers: Record<string, string> = {}): Promise<Told> {
  const response = await fetch(gateway.controlUrl + path, { headers });
  return { status: response.status, text: await response.text() };
}

function isMistake({ status, text }: Told, what: string): void {
  assert.equal(status, 400, `${what}: ${status} ${text}`);
  const { code, message } = JSON.parse(text) as Record<string, string>;
  assert.equal(code, 'BAD_REQUEST');
  assert.ok((message ?? '').length > 10, message);
}

let rooms = 0;

/** Guests with a room tag of their own. */
async function room(t: TestContext, size: number): Promise<{ readonly room: string; readonly guests: readonly Guest[] }> {
  rooms += 1;
  const guests: Guest[] = [];
  for (let index = 0; index < size; index += 1) guests.push(await enter(t, scene));
  const name = `room-${rooms}`;
  assert.equal((await post(`/settags?id=${guests.map(({ id }) => id).join(',')}`, `room=${name}`)).text, String(size));
  return { room: name, guests };
}

const tagsOf = async ({ id }: Guest) => (JSON.parse((await get(`/${id}`)).text) as { tags: Record<string, string> }).tags;

suite('selections', () => {
  test('a name given twice is 400 for every request with a selector, and nobody is sent to, tagged or closed', async (t) => {
    const { room: name, guests } = await room(t, 2);
    for (const twice of [
      `room=${name}&room=${name}`,
      `room=${name}&room=other`,
      `id=${guests[0]?.id}&id=${guests[1]?.id}`,
      `room=${name}&exclude=a&exclude=b`,
      'all=true&all=true',
      `room=${name}&%72oom=x`,
    ]) {
      for (const path of ['/send', '/settags', '/close']) isMistake(await post(`${path}?${twice}`, 'k=v'), path + twice);
      isMistake(await get(`/count?${twice}`), twice);
    }
    isMistake(await post(`/close?room=${name}&closeCode=4001&closeCode=4002`), 'closeCode');
    isMistake(await post(`/close?room=${name}&closeReason=a&closeReason=b`), 'closeReason');
    for (const guest of guests) {
      assert.deepEqual(await tagsOf(guest), { room: name });
      await guest.push('last');
      assert.equal((await guest.frames.first(() => true)).text, 'last');
    }
  });

  test('exclude=a,b takes these ids out, with every kind of selector and every command', async (t) => {
    const { room: name, guests } = await room(t, 4);
    const [a, b, c, d] = guests.map(({ id }) => id);
    for (const selector of [`room=${name}`, `id=${a},${b},${c},${d}`]) {
      assert.equal((await get(`/count?${selector}&exclude=${a},${b}`)).text, '2');
      assert.equal((await get(`/count?${selector}&exclude=${a}%2C${b},nobody,,${a}`)).text, '2');
      assert.equal((await get(`/count?${selector}&exclude=`)).text, '4');
      assert.equal((await post(`/send?${selector}&exclude=${a},${b}`, 'hello')).text, '2');
    }
    const all = Number((await get('/count?all=true')).text);
    assert.equal((await get(`/count?all=true&exclude=${a},${b}`)).text, String(all - 2));
    assert.equal((await post(`/settags?room=${name}&exclude=${c},${d}`, 'out=yes')).text, '2');
    assert.equal((await post(`/close?room=${name}&exclude=${a},${b}`, 'bye')).text, '2');
    await Promise.all([guests[2]?.ended, guests[3]?.ended]);
    for (const guest of guests.slice(0, 2)) {
      await guest.push('last');
      assert.equal((await guest.frames.first(() => true)).text, 'last', 'the excluded have heard nothing before');
      assert.deepEqual(await tagsOf(guest), { room: name, out: 'yes' });
    }
  });

  test('parameters of other requests, other values of all, and queries that are no UTF-8 are 400', async (t) => {
    const { room: name } = await room(t, 1);
    for (const query of [
      `room=${name}&limit=1`,
      `room=${name}&cursor=x`,
      `room=${name}&closeCode=4001`,
      `room=${name}&closeReason=x`,
      'all=yes',
      'all=1',
      'all=',
      `all=false&room=${name}`,
      'room=%ff',
      'id=%c3%28',
    ]) {
      isMistake(await get(`/count?${query}`), query);
      isMistake(await post(`/send?${query}`, 'x'), query);
    }
    for (const path of [
      '/tree?room=1',
      '/tree?all=true',
      '/status?room=1',
      '/status?all=true',
      '/status?limit=1&limit=2',
      '/status?cursor=&cursor=',
      '/status?limit=1e3',
      '/status?limit=0x10',
      '/status?limit=%201',
      '/status?Limit=1',
    ])
      isMistake(await get(path), path);
    for (const code of ['1e3', '0x3e8', ' 1000', '1000.0', '']) isMistake(await post(`/close?room=${name}&closeCode=${code}`), code);
    assert.equal((await get(`/count?room=${name}`)).text, '1');
  });

  test('a selector in the body of a GET is 400, not nobody', async () => {
    const request =
      'GET /count HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nall=true';
    const { status, body } = await exchange(wholeFile, gateway.controlUrl, request);
    isMistake({ status, text: body }, 'GET with a body');
  });
});

suite('/settags', () => {
  const form = new FormData();
  form.set('room', 'other');
  const BODIES: Readonly<Record<string, readonly [body: string | FormData | undefined, type: string | undefined]>> = {
    'no body': [undefined, undefined],
    'an empty body': ['', 'application/x-www-form-urlencoded'],
    blanks: [' \r\n', 'text/plain'],
    JSON: ['{"room":"other"}', 'application/json'],
    'pairs said to be JSON': ['room=other', 'application/json'],
    'JSON said to be urlencoded': ['{"room":"other"}', 'application/x-www-form-urlencoded'],
    'JSON with an equals sign': ['{"room":"a=b"}', 'text/plain'],
    'multipart of a browser': [form, undefined],
    'multipart said to be text': ['--x\r\nContent-Disposition: form-data; name="room"\r\n\r\nother\r\n--x--', 'text/plain'],
    'pairs said to be bytes': ['room=other', 'application/octet-stream'],
    XML: ['<room>other</room>', 'application/xml'],
    'a key alone': ['room', 'application/x-www-form-urlencoded'],
    'a key twice': ['room=other&room=more', 'application/x-www-form-urlencoded'],
    'no key': ['=other', 'application/x-www-form-urlencoded'],
    'bytes that are no UTF-8': ['room=%ff', 'application/x-www-form-urlencoded'],
    'a tag too long': [`room=${'x'.repeat(200)}`, 'application/x-www-form-urlencoded'],
    '1,001 changes': [Array.from({ length: 1_001 }, (_, index) => `k${index}=`).join('&'), 'application/x-www-form-urlencoded'],
    ...Object.fromEntries(
      ['id', 'all', 'exclude', 'limit', 'cursor', 'closeCode', 'closeReason'].flatMap((name) =>
        [`${name}=x`, `${name}=`].map((pair) => [`the tag ${pair}`, [`seen=1&${pair}`, undefined]] as const),
      ),
    ),
  };

  for (const [what, [body, type]] of Object.entries(BODIES)) {
    test(`${what} is 400 and sets nothing`, async (t) => {
      const { room: name, guests } = await room(t, 1);
      isMistake(await post(`/settags?room=${name}`, body, type), what);
      isMistake(await post('/settags?room=nobody', body, type), `${what}, for nobody`);
      assert.deepEqual(await tagsOf(guests[0] as Guest), { room: name });
    });
  }

  test('pairs are taken as urlencoded, as text and without a type', async (t) => {
    const { room: name, guests } = await room(t, 1);
    for (const [index, type] of [
      'application/x-www-form-urlencoded',
      'Application/X-WWW-Form-Urlencoded; charset=utf-8',
      'text/plain;charset=UTF-8',
      '',
    ].entries()) {
      const head = `POST /settags?room=${name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${type === '' ? '' : `Content-Type: ${type}\r\n`}`;
      const { status, body } = await exchange(t, gateway.controlUrl, `${head}Content-Length: 8\r\n\r\nstep=${index}\r\n`);
      assert.deepEqual([status, body], [200, '1']);
      assert.deepEqual(await tagsOf(guests[0] as Guest), { room: name, step: String(index) });
    }
  });

  test('counts those that were changed, not those that were as wanted already', async (t) => {
    const { room: name, guests } = await room(t, 3);
    const [first] = guests;
    assert.equal((await post(`/settags?id=${first?.id}`, 'seen=1')).text, '1');
    const response = await fetch(`${gateway.controlUrl}/settags?room=${name}`, {
      method: 'POST',
      body: 'seen=1',
      headers: { accept: 'application/json' },
    });
    const { matched, sent, failed, nodes } = (await response.json()) as Record<string, unknown>;
    assert.deepEqual([matched, sent, failed], [3, 2, 0]);
    assert.deepEqual(
      (nodes as { sent: number }[]).map(({ sent: changed }) => changed),
      [2],
    );
    assert.equal((await post(`/settags?room=${name}`, 'seen=1')).text, '0');
    assert.equal((await post(`/settags?room=${name}`, 'unknown=')).text, '0');
    assert.equal((await post(`/settags?room=${name}`, 'seen=')).text, '3');
    assert.equal((await post(`/settags?room=${name}`, 'seen=2&unknown=')).text, '3');
  });

  test('those that cannot be changed are told as failed, and 400 means that nobody was changed', async (t) => {
    const { room: name, guests } = await room(t, 3);
    const full = Array.from({ length: 63 }, (_, index) => `k${index}=1`).join('&');
    assert.equal((await post(`/settags?id=${guests[1]?.id}`, full)).text, '1');
    const response = await fetch(`${gateway.controlUrl}/settags?room=${name}`, {
      method: 'POST',
      body: 'one=more',
      headers: { accept: 'application/json' },
    });
    const { matched, sent, failed } = (await response.json()) as Record<string, unknown>;
    assert.deepEqual([response.status, matched, sent, failed], [200, 3, 2, 1]);
    isMistake(await post(`/settags?id=${guests[1]?.id}`, 'one=more'), 'full');
    assert.equal((await tagsOf(guests[1] as Guest))['one'], undefined);
  });
});

suite('tags of the backend', () => {
  test('an acceptance that names a tag like a parameter is refused as any bad tag is, and its end is told', async (t) => {
    for (const name of ['id', 'all', 'exclude', 'limit', 'cursor', 'closeCode', 'closeReason']) {
      const path = `/named-${name}`;
      acceptances.set(path, { tags: { [name]: 'x' } });
      const { status, body } = await refusal(t, gateway.wsUrl + path);
      assert.equal(status, 502);
      assert.match(body, new RegExp(`no tag may be called ${name}`));
      const open = await backend.calls.first(isOpenOf(path));
      await backend.calls.first(isEvent('close', String(open.headers['ws-connection'])));
    }
  });

  test('WS-Set-Tags that could be read in two ways sets nothing, and the connection stays', async (t) => {
    const { room: name, guests } = await room(t, 1);
    const guest = guests[0] as Guest;
    for (const tags of ['id=x', 'seen=1&seen=2', 'room', '{"room":"other"}', 'seen=%ff', 'seen=1&all=true']) guest.ws.send(tags);
    guest.ws.send('last=1');
    await backend.calls.first((call) => isEvent('message', guest.id)(call) && call.text === 'last=1');
    while ((await tagsOf(guest))['last'] === undefined);
    assert.deepEqual(await tagsOf(guest), { room: name, last: '1' });
  });
});

suite('DELETE', () => {
  const BODIES = [
    '{"closeCode":4001}',
    '{"code":4001,"Reason":"x"}',
    '{"code":4001,"code":4002}',
    '{"reason":"a","code":4001,"reason":"b"}',
    '{"c\\u006fde":4001,"code":4002}',
    '{"code":4001,"reason":"x","at":{"code":1}}',
  ];

  test('with an unknown or repeated parameter or field is 400, and the client stays', async (t) => {
    const guest = await enter(t, scene);
    const remove = async (suffix: string, body?: string): Promise<Told> => {
      const response = await fetch(guest.command(suffix), { method: 'DELETE', ...(body !== undefined && { body }) });
      return { status: response.status, text: await response.text() };
    };
    for (const suffix of [
      '?closeCode=4001',
      '?code=4001&code=4001',
      '?code=4001&code=4002',
      '?reason=a&reason=a',
      '?status=1',
      '?code=4001&Reason=x',
      '?reason=%ff',
    ])
      isMistake(await remove(suffix), suffix);
    for (const body of BODIES) isMistake(await remove('', body), body);
    assert.equal((await remove('', ' { "reason" : "a:b \\" \\\\", "code" : 4001 } ')).status, 200);
    assert.deepEqual(await guest.ended, { code: 4001, reason: 'a:b " \\' });
  });
});

test('a header that one value decides is 400 where it comes twice: a type of the body, an Idempotency-Key', async (t) => {
  const guest = await enter(t, scene);
  const push = (head: string) =>
    exchange(
      t,
      gateway.controlUrl,
      `PUT /${guest.id} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${head}Content-Length: 1\r\n\r\nx`,
    );
  for (const head of [
    'Content-Type: text/plain\r\ncontent-type: application/octet-stream\r\n',
    'Idempotency-Key: a\r\nidempotency-key: a\r\n',
    'Idempotency-Key: a\r\nIDEMPOTENCY-KEY: b\r\n',
  ]) {
    const { status, body } = await push(head);
    isMistake({ status, text: body }, head);
  }
  assert.equal((await push('Idempotency-Key: a, b\r\n')).status, 200);
  assert.equal((await guest.frames.first(() => true)).text, 'x');
});
