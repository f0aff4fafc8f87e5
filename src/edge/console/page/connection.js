import { ask, commandPath, read } from './api.js';
import { byId, element, onSubmit, tagsOf } from './dom.js';
import { dateOf } from './format.js';
import { endOf, SightingTable } from './sightings.js';
import { follow } from './stream.js';

/** One connection: what is known of it, commands, and its events as they happen. */
export function createConnection() {
  const facts = byId('facts');
  const title = byId('title-connection');
  const note = byId('connection-note');
  const table = new SightingTable(byId('connection-events'), 500);
  const forms = ['push', 'tag', 'close'].map(byId);
  let current = null;
  let leave = null;

  onSubmit(byId('push'), async ({ text }) => {
    const response = await ask(pathOf(current), { method: 'PUT', body: text, headers: { 'Content-Type': 'text/plain; charset=utf-8' } });
    return response.status === 202 ? 'Kept until the connection is open.' : 'Sent.';
  });
  onSubmit(byId('tag'), async ({ key, value }) => {
    const response = await ask(`settags?id=${encodeURIComponent(current.id)}`, {
      method: 'POST',
      body: new URLSearchParams([[key, value]]).toString(),
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    });
    const changed = await response.text();
    await describe(current.id);
    return changed === '0' ? 'Nothing to change.' : 'Set.';
  });
  onSubmit(byId('close'), async ({ code, reason }) => {
    await ask(`${pathOf(current)}?${new URLSearchParams({ code, reason })}`, { method: 'DELETE' });
    return 'Closing.';
  });

  async function describe(id) {
    const { connections } = await read('console/connections', { id, limit: '50' });
    const found = connections.find((one) => one.id === id);
    if (current?.id !== id) return;
    current = { id, wsUri: found?.ws_uri ?? null };
    for (const form of forms) for (const control of form.elements) control.disabled = found === undefined;
    if (found === undefined) await tellEnd(id);
    else fill(found);
  }

  function fill({ id, path, tags, remote_address: address, subprotocol, connected_at: since, last_active_at: active, node, ws_uri: uri }) {
    const rows = {
      Id: id,
      Path: path,
      Tags: tagsOf(tags),
      Address: address,
      Subprotocol: subprotocol ?? '',
      Since: dateOf(since),
      'Last sign of life': dateOf(active),
      Node: node,
      'Command URL': uri,
    };
    facts.replaceChildren(
      ...Object.entries(rows).map(([name, value]) =>
        element('div', {}, element('dt', {}, name), element('dd', {}, value === '' ? '–' : value)),
      ),
    );
  }

  async function tellEnd(id) {
    const { ends } = await read('console/ends', { id, limit: '1' });
    const [end] = ends;
    facts.replaceChildren(
      element('div', {}, element('dt', {}, 'Id'), element('dd', {}, id)),
      element(
        'div',
        {},
        element('dt', {}, 'Ended'),
        element('dd', {}, end === undefined ? 'It is not here, and its end is not remembered.' : `${dateOf(end.at)}: ${endOf(end)}`),
      ),
    );
  }

  function saw(sightings) {
    table.add(sightings);
    if (sightings.some(({ type }) => type === 'closed')) void describe(current.id).catch((error) => (note.textContent = error.message));
  }

  return {
    async shown(id) {
      current = { id, wsUri: null };
      title.textContent = `Connection ${id}`;
      facts.replaceChildren();
      table.clear();
      for (const form of forms) form.querySelector('output').textContent = '';
      note.textContent = 'What happens from now on is shown here.';
      leave = follow(
        { id },
        {
          on(event, data) {
            if (event === 'sightings') saw(data);
            if (event === 'missed') note.textContent = `${data.count} more events were not shown.`;
            if (event === 'end') note.textContent = data.reason;
          },
          changed(state) {
            if (state instanceof Error) note.textContent = state.message;
          },
        },
      );
      await describe(id).catch((error) => (note.textContent = error.message));
    },
    left() {
      leave?.();
      current = null;
    },
  };
}

function pathOf({ wsUri }) {
  if (wsUri === null) throw new Error('this connection has ended');
  return commandPath(wsUri);
}
