import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Client } from 'undici';
import { Lines, type Passenger } from '../../../src/backends/http/lines.ts';

function passenger(path: string): Passenger {
  return { line: null, isOver: false, options: { method: 'PUT', path }, partyHeaders: undefined };
}

test('it is told when undici has taken a call, at once or after a wait', async () => {
  const events: string[] = [];
  const client = { dispatch: ({ path }: { path: string }) => events.push(path) > 0 } as unknown as Client;
  const lines = new Lines({ newClient: () => client, connections: 1, pipelining: 1, handedOver: () => events.push('handed over') });
  const [first, second] = [passenger('/first'), passenger('/second')];
  lines.dispatch(first);
  lines.dispatch(second);
  assert.deepEqual(events, ['/first', 'handed over']);
  lines.release(first);
  await turn();
  assert.deepEqual(events, ['/first', 'handed over', '/second', 'handed over']);
});
