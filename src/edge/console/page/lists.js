import { read } from './api.js';
import { byId, fieldsOf, linkToConnection, rowOf, tableOf } from './dom.js';
import { bytesOf, dateOf, msOf, numberOf, spanOf } from './format.js';
import { endedBy, SightingTable } from './sightings.js';

const ENDS = ['When', 'Connection', 'Path', 'Code', 'Reason', 'Ended', 'Was open', 'Messages', 'Node'];
const NODES = ['Node', 'Process', 'Connections', 'Messages', 'Pushes', 'Backend p95', 'Loop delay', 'Closes pending', 'Memory', 'Up'];

/** Why the last connections were closed. */
export function createEnds() {
  const form = byId('ends-filter');
  const note = byId('ends-note');
  const body = tableOf(byId('ends'), ENDS);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void shown();
  });

  async function shown() {
    try {
      const { ends, incomplete } = await read('console/ends', { ...fieldsOf(form), limit: '200' });
      body.replaceChildren(...ends.map(endRow));
      note.textContent = `The last ${ends.length}, newest first${without(incomplete)}.`;
    } catch (error) {
      note.textContent = error.message;
    }
  }

  return { shown };
}

function endRow({ at, id, path, code, reason, by, openMs, messages, node }) {
  const cells = [dateOf(at), linkToConnection(id), path, code, reason, endedBy(by), openMs === null ? '' : spanOf(openMs), messages, node];
  return rowOf(ENDS, cells, { className: code === 1000 || code === 1001 || code === 1005 ? 'is-good' : 'is-odd' });
}

/** Refused clients, and calls to backends that failed. */
export function createFailures() {
  const note = byId('failures-note');
  const table = new SightingTable(byId('failures'), 500);
  byId('failures-again').addEventListener('click', () => void shown());

  async function shown() {
    try {
      const { failures, incomplete } = await read('console/failures', { limit: '200' });
      table.clear();
      table.add(failures.toReversed());
      note.textContent = `The last ${failures.length}, newest first${without(incomplete)}.`;
    } catch (error) {
      note.textContent = error.message;
    }
  }

  return { shown };
}

/** Every process of the cluster, as the stream tells of it. */
export function createNodes() {
  const note = byId('nodes-note');
  const body = tableOf(byId('nodes'), NODES);
  return {
    figures({ processes }) {
      body.replaceChildren(...processes.map(processRow));
      const nodes = new Set(processes.map(({ node }) => node)).size;
      note.textContent = `${nodes} ${nodes === 1 ? 'node' : 'nodes'}, ${processes.length} ${processes.length === 1 ? 'process' : 'processes'}.`;
    },
  };
}

function processRow(one) {
  const name = one.isDraining ? `${one.node} (drains)` : one.node;
  const cells = [
    name,
    one.process,
    numberOf(one.connections),
    `${numberOf(one.messagesPerSecond)}/s`,
    `${numberOf(one.pushesPerSecond)}/s`,
    msOf(one.backendMs?.p95),
    msOf(one.loopDelayMs),
    numberOf(one.closesPending),
    bytesOf(one.memoryBytes),
    spanOf(one.uptimeSeconds * 1_000),
  ];
  return rowOf(NODES, cells, { className: one.isDraining ? 'is-odd' : 'is-good' });
}

function without(incomplete) {
  return incomplete === null ? '' : `; without ${incomplete}, which did not answer`;
}
