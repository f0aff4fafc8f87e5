import { element, linkToConnection, rowOf, tableOf, tagsOf } from './dom.js';
import { bytesOf, msOf, spanOf, timeOf } from './format.js';

const COLUMNS = ['Time', 'What', 'Connection', 'Result', 'Took', 'Size', 'Trace', 'Node'];
const NAMES = {
  opened: '→ open',
  refused: '→ open',
  received: '→ message',
  answered: '→ message',
  pushed: '← push',
  'push-refused': '← push',
  closed: 'closed',
  'close-answered': '→ close',
};
const ENDED_BY = {
  client: 'by its client',
  network: 'the line broke',
  backend: 'by the backend',
  gateway: 'by the gateway',
  crash: 'its gateway died',
};

/** The rows of a table of events, newest first. Only so many are kept. */
export class SightingTable {
  #body;
  #most;
  #waiting = new Map();

  constructor(table, most = 200) {
    this.#body = tableOf(table, COLUMNS);
    this.#most = most;
  }

  clear() {
    this.#body.replaceChildren();
    this.#waiting.clear();
  }

  /** Oldest first. A message that was read has one row, which its verdict completes. */
  add(sightings) {
    const fresh = document.createDocumentFragment();
    for (const sighting of sightings) {
      const row = sightingRow(sighting);
      const key = `${sighting.id} ${sighting.seq}`;
      if (sighting.type === 'received') this.#waiting.set(key, row);
      const before = sighting.type === 'answered' ? this.#waiting.get(key) : undefined;
      if (before !== undefined) {
        row.cells[0].replaceChildren(...before.cells[0].childNodes); // it is told by when it was read
        before.replaceWith(row);
        if (sighting.verdict === 'retry') this.#waiting.set(key, row);
        else this.#waiting.delete(key);
      } else fresh.prepend(row);
    }
    this.#body.prepend(fresh);
    while (this.#body.rows.length > this.#most) this.#body.lastElementChild.remove();
    for (const [key, row] of this.#waiting) {
      if (this.#waiting.size <= this.#most) break;
      if (!row.isConnected) this.#waiting.delete(key);
    }
  }
}

export function sightingRow(sighting) {
  const { type, at, id, ms, bytes, isBinary, trace, node, path, payload } = sighting;
  const who = element(
    'span',
    {},
    id === undefined ? '' : linkToConnection(id),
    id === undefined ? '' : ' ',
    element('span', { className: 'path' }, path),
  );
  const [, traceId] = /^00-([0-9a-f]+)-/.exec(trace ?? '') ?? [];
  const size = bytes === undefined ? '' : `${bytesOf(bytes)}${isBinary ? ' binary' : ''}`;
  const cells = [
    element('time', { dateTime: new Date(at).toISOString() }, timeOf(at)),
    element('span', {}, NAMES[type] ?? type, sighting.seq === undefined ? '' : ` #${sighting.seq}`),
    who,
    resultOf(sighting),
    msOf(ms),
    size,
    traceId === undefined ? '' : element('code', { title: trace, className: 'trace' }, `…${traceId.slice(-8)}`),
    node,
  ];
  const row = rowOf(COLUMNS, cells, { className: `is-${toneOf(sighting)}` });
  if (payload) row.cells[3].append(element('code', { className: 'payload' }, payload));
  return row;
}

function resultOf(sighting) {
  switch (sighting.type) {
    case 'opened':
      return element('span', {}, 'let in ', tagsOf(sighting.tags));
    case 'refused':
      return `refused ${sighting.code}: ${sighting.because ?? sighting.reason}`;
    case 'received':
      return 'waits for the backend';
    case 'answered':
    case 'close-answered':
      return sighting.because === null ? sighting.verdict : `${WORDS[sighting.verdict]}: ${sighting.because}`;
    case 'pushed':
      return 'sent';
    case 'push-refused':
      return `not sent: ${sighting.because}`;
    case 'closed':
      return endOf(sighting);
    default:
      return '';
  }
}

const WORDS = { retry: 'will be sent again', failed: 'failed', complained: 'taken, but', delivered: 'delivered' };

export function endOf({ code, reason, by, openMs }) {
  const why = [String(code), reason, ENDED_BY[by] ?? by].filter((part) => part !== '').join(', ');
  return openMs === null ? why : `${why}, after ${spanOf(openMs)}`;
}

function toneOf({ type, verdict }) {
  if (type === 'refused' || type === 'push-refused' || verdict === 'retry' || verdict === 'failed') return 'bad';
  if (verdict === 'complained') return 'odd';
  return type === 'received' ? 'waiting' : 'good';
}

export function endedBy(by) {
  return ENDED_BY[by] ?? by;
}
