import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Dispatch, RpcOutcome } from '../../../src/core/commands.ts';
import type { RpcCommand } from '../../../src/core/rpc.ts';
import { ocppRoutes } from '../../../src/dialects/ocpp/routes.ts';
import { answerErrors } from '../../../src/edge/server/errors.ts';
import { otherMethods } from '../../../src/edge/server/other-methods.ts';

type Routed = { readonly server: FastifyInstance; readonly commands: RpcCommand[] };

/** The routes over a dispatcher that notes what it is asked and answers as told. */
function routed(t: TestContext, outcome: RpcOutcome = { type: 'accepted' }): Routed {
  const commands: RpcCommand[] = [];
  const server = Fastify({ routerOptions: { maxParamLength: 1_024 } });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.setValidatorCompiler(() => () => true);
  server.setSerializerCompiler(() => (data) => JSON.stringify(data));
  answerErrors(server);
  const dispatch = (command: RpcCommand): RpcOutcome => {
    commands.push(command);
    return outcome;
  };
  void server.register(otherMethods);
  void server.register(ocppRoutes, { dispatch: dispatch as Dispatch });
  t.after(() => server.close());
  return { server, commands };
}

const json = { 'content-type': 'application/json' };

suite('POST /call/<Action>/<ClientId>/<MessageId>', () => {
  test('is answered 202 at once, and hands on every part decoded and the payload as it came', async (t) => {
    const { server, commands } = routed(t);
    const answer = await server.inject({ method: 'POST', url: '/call/Reset/CP%201%2F2/m%3A1', headers: json, payload: ' {"a": 1.50} ' });
    assert.deepEqual([answer.statusCode, answer.json()], [202, { code: 'OK' }]);
    assert.deepEqual(commands, [
      { type: 'rpc-call', id: 'CP 1/2', action: 'Reset', messageId: 'm:1', payloadJson: '{"a": 1.50}', waitMs: null },
    ]);
  });

  test('needs no body', async (t) => {
    const { server, commands } = routed(t);
    assert.equal((await server.inject({ method: 'POST', url: '/call/ClearCache/CP1/1' })).statusCode, 202);
    assert.equal(commands[0]?.type === 'rpc-call' && commands[0].payloadJson, '{}');
  });

  test('with a wait gives the answer, the error, or 504', async (t) => {
    const ask = async (outcome: RpcOutcome) => {
      const { server, commands } = routed(t, outcome);
      const { statusCode, body } = await server.inject({ method: 'POST', url: '/call/Reset/CP1/1?wait=1500', payload: '{}' });
      assert.equal(commands[0]?.type === 'rpc-call' && commands[0].waitMs, 1_500);
      return [statusCode, JSON.parse(body)];
    };
    assert.deepEqual(await ask({ type: 'answered', payloadJson: '{"status":"Accepted"}' }), [200, { status: 'Accepted' }]);
    const error = { code: 'NotSupported', description: 'never', detailsJson: '{"a":1}' };
    assert.deepEqual(await ask({ type: 'rejected', error }), [422, { code: 'NotSupported', description: 'never', details: { a: 1 } }]);
    assert.deepEqual(await ask({ type: 'unanswered', detail: 'too late' }), [504, { code: 'GATEWAY_TIMEOUT', message: 'too late' }]);
  });

  test('says what was wrong with it, and then nothing is sent', async (t) => {
    const { server, commands } = routed(t);
    for (const [url, payload] of [
      ['/call/Reset/CP1/1', 'no json'],
      ['/call/Reset/CP1/1', '[]'],
      ['/call/Reset/CP1/1', '"{}"'],
      ['/call/Reset/CP1/1', `{"a":${'['.repeat(64)}${']'.repeat(64)}}`],
      ['/call/Reset/CP1/1234567890123456789012345678901234567', '{}'],
      ['/call/Reset/CP1', '{}'],
      ['/call/Reset/CP1/1/2', '{}'],
      ['/call/Reset//1', '{}'],
      ['/call/Reset/%2E%2E/1', '{}'],
      ['/call/%2E/CP1/1', '{}'],
      ['/call/Reset/CP1/1?wait=0', '{}'],
      ['/call/Reset/CP1/1?wait=soon', '{}'],
      ['/call/Reset/CP1/1?wait=', '{}'],
      ['/call/Reset/CP1/1?wait=1&wait=2', '{}'],
      ['/call/Reset/CP1/1?wait=1&wait=1', '{}'],
      ['/call/Reset/CP1/1?Wait=1000', '{}'],
      ['/call/Reset/CP1/1?timeout=1000', '{}'],
      ['/call/Reset/CP1/1?wait=1000&x=y', '{}'],
      ['/send/Reset/CP1/1?wait=1000', '{}'],
      ['/resulterror/Reset/CP1/1?wait=1000', '{}'],
    ] as const) {
      const answer = await server.inject({ method: 'POST', url, headers: json, payload });
      assert.deepEqual([answer.statusCode, answer.json<{ code: string }>().code], [400, 'BAD_REQUEST'], `${url} ${payload.slice(0, 20)}`);
    }
    assert.deepEqual(commands, []);
  });

  test('tells what became of it where it was not sent', async (t) => {
    for (const [outcome, status, code] of [
      [{ type: 'not-found' }, 404, 'NOT_FOUND'],
      [{ type: 'conflict', detail: 'in progress' }, 409, 'CONFLICT'],
      [{ type: 'too-long', maxBytes: 7 }, 413, 'MESSAGE_TOO_LONG'],
      [{ type: 'slow', retryAfterMs: 1_000 }, 429, 'SLOW_CLIENT'],
      [{ type: 'unavailable', detail: 'no bus' }, 503, 'UNAVAILABLE'],
      [{ type: 'timeout', detail: 'silent' }, 504, 'GATEWAY_TIMEOUT'],
      [{ type: 'invalid', detail: 'odd' }, 400, 'BAD_REQUEST'],
    ] as const) {
      const { server } = routed(t, outcome);
      const answer = await server.inject({ method: 'POST', url: '/call/Reset/CP1/1', payload: '{}' });
      assert.deepEqual([answer.statusCode, answer.json<{ code: string }>().code], [status, code]);
      assert.equal(answer.headers['retry-after'], status === 429 || status === 503 ? '1' : undefined);
    }
  });

  test('is the only method', async (t) => {
    const { server } = routed(t);
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const) {
      const answer = await server.inject({ method: method as 'GET', url: '/call/Reset/CP1/1' });
      assert.deepEqual([answer.statusCode, answer.headers['allow']], [405, 'POST']);
    }
  });
});

suite('POST /send and /resulterror', () => {
  test('hand on a SEND', async (t) => {
    const { server, commands } = routed(t);
    assert.equal((await server.inject({ method: 'POST', url: '/send/NotifyX/CP1/1', payload: '{"a":1}' })).statusCode, 202);
    assert.deepEqual(commands, [{ type: 'rpc-send', id: 'CP1', action: 'NotifyX', messageId: '1', payloadJson: '{"a":1}' }]);
  });

  test('hand on a rejection, with a code of 2.1 whatever came', async (t) => {
    const { server, commands } = routed(t);
    for (const payload of ['', '{"code":"FormationViolation","description":"no status","details":{"a":1}}', '{"code":"?"}']) {
      assert.equal((await server.inject({ method: 'POST', url: '/resulterror/Reset/CP1/1', payload })).statusCode, 202);
    }
    assert.deepEqual(
      commands.map((command) => command.type === 'rpc-reject' && command.error),
      [
        { code: 'FormatViolation', description: '', detailsJson: '{}' },
        { code: 'FormatViolation', description: 'no status', detailsJson: '{"a":1}' },
        { code: 'FormatViolation', description: '', detailsJson: '{}' },
      ],
    );
    assert.equal((await server.inject({ method: 'POST', url: '/resulterror/Reset/CP1/1', payload: '[]' })).statusCode, 400);
  });
});
