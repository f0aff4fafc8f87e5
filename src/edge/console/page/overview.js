import { urlencodedTags } from './api.js';
import { Chart } from './chart.js';
import { byId, fieldsOf } from './dom.js';
import { bytesOf, msOf, numberOf } from './format.js';
import { SightingTable } from './sightings.js';

const perSecond = (value) => `${numberOf(value)}/s`;

/** Figures with curves, and what happens everywhere. `filtered` is called with what the stream is to be asked for. */
export function createOverview({ filtered }) {
  const charts = byId('charts');
  const connections = new Chart(charts, { title: 'Connections', format: numberOf, series: [{ name: 'open', key: 'connections' }] });
  const messages = new Chart(charts, {
    title: 'Messages',
    format: perSecond,
    series: [
      { name: 'from clients', key: 'messagesPerSecond' },
      { name: 'pushed', key: 'pushesPerSecond' },
    ],
  });
  const bytes = new Chart(charts, {
    title: 'Payload',
    format: (value) => `${bytesOf(value)}/s`,
    series: [
      { name: 'from clients', key: 'bytesInPerSecond' },
      { name: 'pushed', key: 'bytesOutPerSecond' },
    ],
  });
  const latency = new Chart(charts, {
    title: 'Backend',
    format: msOf,
    series: [
      { name: 'p95', key: 'p95' },
      { name: 'median', key: 'p50' },
    ],
  });
  const delay = new Chart(charts, {
    title: 'Event loop delay',
    format: msOf,
    series: [{ name: 'p99, worst process', key: 'loopDelayMs' }],
  });
  const table = new SightingTable(byId('live'));
  const note = byId('live-note');
  const pause = byId('pause');
  let isPaused = false;
  let missed = 0;

  pause.addEventListener('click', () => {
    isPaused = !isPaused;
    pause.setAttribute('aria-pressed', String(isPaused));
    pause.textContent = isPaused ? 'Go on' : 'Pause';
  });
  byId('live-filter').addEventListener('submit', (event) => {
    event.preventDefault();
    const { route, tags } = fieldsOf(event.target);
    try {
      filtered({ route, tags: urlencodedTags(tags) });
      table.clear();
      missed = 0;
      note.textContent = '';
    } catch (error) {
      note.textContent = error.message;
    }
  });

  return {
    figures({ total }) {
      for (const chart of [connections, messages, bytes, delay]) chart.add(total);
      latency.add(total.backendMs ?? {});
    },
    sightings(sightings) {
      if (!isPaused) table.add(sightings);
    },
    missed({ count }) {
      missed += count;
      note.textContent = `${numberOf(missed)} more events were not shown: there are more than anybody reads. Filter by route or tags, or open one connection.`;
    },
  };
}
