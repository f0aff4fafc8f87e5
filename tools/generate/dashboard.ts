type Unit = 'short' | 'reqps' | 'Bps' | 's' | 'bytes' | 'percentunit' | 'cps';

/** What a curve shows: a query, and what its curves are called. */
type Curve = readonly [expr: string, legend: string];
type Panel = { readonly title: string; readonly unit: Unit; readonly curves: readonly Curve[]; readonly about?: string };
type Row = { readonly title: string; readonly panels: readonly Panel[] };

const OF = '{namespace=~"$namespace",pod=~"$pod"}';
/** The same with more labels. */
const of = (labels: string): string => `{namespace=~"$namespace",pod=~"$pod",${labels}}`;
const perSecond = (name: string, by = '', labels = ''): string =>
  `sum${by === '' ? '' : ` by (${by})`} (rate(${name}${labels === '' ? OF : of(labels)}[$__rate_interval]))`;
const sum = (name: string, by = '', labels = ''): string =>
  `sum${by === '' ? '' : ` by (${by})`} (${name}${labels === '' ? OF : of(labels)})`;
const quantile = (q: number, name: string, by: string): string =>
  `histogram_quantile(${q}, sum by (le, ${by}) (rate(${name}_bucket${OF}[$__rate_interval])))`;

const ROWS: readonly Row[] = [
  {
    title: 'Clients',
    panels: [
      {
        title: 'Connections by state',
        unit: 'short',
        curves: [
          [sum('wsaas_route_connections', 'state'), '{{state}}'],
          [sum('wsaas_places'), 'places'],
        ],
      },
      { title: 'Connections by route', unit: 'short', curves: [[sum('wsaas_route_connections', 'route'), '{{route}}']] },
      {
        title: 'Let in and refused',
        unit: 'cps',
        curves: [
          [perSecond('wsaas_opens_accepted_total'), 'let in'],
          [perSecond('wsaas_opens_refused_total', 'reason'), 'refused: {{reason}}'],
        ],
      },
      { title: 'Ends', unit: 'cps', curves: [[perSecond('wsaas_connections_ended_total', 'code, by'), '{{code}} by {{by}}']] },
    ],
  },
  {
    title: 'Messages',
    panels: [
      {
        title: 'Messages',
        unit: 'cps',
        curves: [
          [perSecond('wsaas_messages_received_total'), 'from clients'],
          [perSecond('wsaas_messages_delivered_total'), 'taken by backends'],
          [perSecond('wsaas_pushes_sent_total'), 'to clients'],
        ],
      },
      {
        title: 'Bytes',
        unit: 'Bps',
        curves: [
          [perSecond('wsaas_received_bytes_total'), 'from clients'],
          [perSecond('wsaas_sent_bytes_total'), 'to clients'],
        ],
      },
      {
        title: 'Waiting',
        unit: 'short',
        about: 'Messages that are read and not delivered; what is held was tried already.',
        curves: [
          [sum('wsaas_inbox_messages'), 'in inboxes'],
          [sum('wsaas_held_messages'), 'held'],
          [sum('wsaas_paused_clients'), 'clients not read from'],
        ],
      },
      {
        title: 'Trouble',
        unit: 'cps',
        curves: [
          [perSecond('wsaas_messages_retried_total'), 'repeated'],
          [perSecond('wsaas_messages_complained_total'), 'complained about'],
          [perSecond('wsaas_messages_undelivered_total'), 'given up'],
        ],
      },
    ],
  },
  {
    title: 'Backends',
    panels: [
      {
        title: 'Calls',
        unit: 'reqps',
        curves: [[perSecond('wsaas_backend_call_duration_seconds_count', 'event, status'), '{{event}} {{status}}']],
      },
      { title: 'Duration, 99%', unit: 's', curves: [[quantile(0.99, 'wsaas_backend_call_duration_seconds', 'event'), '{{event}}']] },
      { title: 'Duration, half', unit: 's', curves: [[quantile(0.5, 'wsaas_backend_call_duration_seconds', 'event'), '{{event}}']] },
      {
        title: 'Down or returning',
        unit: 'short',
        about: 'Processes that see a backend so.',
        curves: [
          [sum('wsaas_backend_state', 'backend, event, state', 'state!="up"'), '{{backend}} {{event}} {{state}}'],
          [sum('wsaas_backend_calls_waiting', 'backend, event'), '{{backend}} {{event}} calls held back'],
        ],
      },
      {
        title: 'close events',
        unit: 'short',
        curves: [
          [sum('wsaas_closes_pending'), 'not acknowledged'],
          [perSecond('wsaas_closes_retried_total'), 'repeated a second'],
          [perSecond('wsaas_closes_lost_total'), 'lost a second'],
        ],
      },
    ],
  },
  {
    title: 'Pushes',
    panels: [
      { title: 'Pushes by answer', unit: 'reqps', curves: [[perSecond('wsaas_pushes_total', 'result'), '{{result}}']] },
      {
        title: 'Slow clients',
        unit: 'short',
        curves: [
          [sum('wsaas_slow_clients'), 'over their buffer'],
          [perSecond('wsaas_slow_clients_ended_total'), 'ended a second'],
        ],
      },
    ],
  },
  {
    title: 'Processes',
    panels: [
      {
        title: 'CPU',
        unit: 'short',
        about: 'Cores.',
        curves: [
          [perSecond('wsaas_process_cpu_user_seconds_total', 'pod'), '{{pod}} program'],
          [perSecond('wsaas_process_cpu_system_seconds_total', 'pod'), '{{pod}} kernel'],
        ],
      },
      {
        title: 'Memory',
        unit: 'bytes',
        curves: [
          [sum('wsaas_process_resident_memory_bytes', 'pod'), '{{pod}}'],
          [sum('wsaas_process_heap_used_bytes', 'pod'), '{{pod}} heap in use'],
        ],
      },
      {
        title: 'Event loop, late by',
        unit: 's',
        curves: [[`max by (pod, quantile) (wsaas_event_loop_delay_seconds${of('quantile=~"0.99|1"')})`, '{{pod}} {{quantile}}']],
      },
      {
        title: 'Event loop, busy',
        unit: 'percentunit',
        curves: [[`${perSecond('wsaas_event_loop_active_seconds_total', 'pod')} / ${sum('wsaas_processes', 'pod')}`, '{{pod}}']],
      },
      {
        title: 'Beside the clients',
        unit: 'short',
        about: 'Sockets of strangers, and of callers before they are known; who watches by the console or `wsaas tail`.',
        curves: [
          [sum('wsaas_http_sockets', 'pod'), '{{pod}} sockets'],
          [sum('wsaas_console_watchers', 'pod'), '{{pod}} watchers'],
        ],
      },
    ],
  },
  {
    title: 'Cluster and drain',
    panels: [
      {
        title: 'Questions to other processes',
        unit: 'reqps',
        curves: [[perSecond('wsaas_bus_round_trip_seconds_count', 'question, end'), '{{question}} {{end}}']],
      },
      { title: 'Their duration, 99%', unit: 's', curves: [[quantile(0.99, 'wsaas_bus_round_trip_seconds', 'question'), '{{question}}']] },
      { title: 'Age of the lease', unit: 's', curves: [[`max by (pod) (wsaas_cluster_lease_age_seconds${OF})`, '{{pod}}']] },
      {
        title: 'Drain',
        unit: 'short',
        curves: [
          [sum('wsaas_draining'), 'processes'],
          [`${sum('wsaas_unfinished', 'pod')} and on (pod) ${sum('wsaas_draining', 'pod')} > 0`, '{{pod}} unfinished'],
          [perSecond('wsaas_goodbyes_total'), 'goodbyes a second'],
        ],
      },
    ],
  },
];

const WIDTH = 24;
const PANEL = { w: 6, h: 8 };
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** helm/wsaas/dashboard.json, for Grafana 10 and newer. */
export function dashboard(): object {
  const panels: object[] = [];
  let y = 0;
  for (const row of ROWS) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
      panels: [],
    });
    y += 1;
    for (const [index, panel] of row.panels.entries()) {
      const x = (index * PANEL.w) % WIDTH;
      if (index > 0 && x === 0) y += PANEL.h;
      panels.push(panelOf(panel, panels.length + 1, { x, y, ...PANEL }));
    }
    y += PANEL.h;
  }
  return {
    title: 'wsaas',
    uid: 'wsaas',
    tags: ['wsaas', 'websocket'],
    schemaVersion: 39,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus' },
        variable('namespace', 'label_values(wsaas_connections, namespace)'),
        variable('pod', 'label_values(wsaas_connections{namespace=~"$namespace"}, pod)'),
      ],
    },
    panels,
  };
}

function panelOf({ title, unit, curves, about }: Panel, id: number, gridPos: object): object {
  return {
    id,
    type: 'timeseries',
    title,
    ...(about !== undefined && { description: about }),
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 10, showPoints: 'never' } }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: curves.map(([expr, legendFormat], index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource: DATASOURCE,
      expr,
      legendFormat,
    })),
  };
}

function variable(name: string, query: string): object {
  return {
    name,
    type: 'query',
    datasource: DATASOURCE,
    query,
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  };
}
