import type { Sighting } from '../../core/sightings.ts';
import { visible } from './visible.ts';

export type Told = Sighting & { readonly node: string };

const WHAT: Readonly<Record<Sighting['type'], string>> = {
  opened: '→ open',
  refused: '→ open',
  received: '→ message',
  answered: '→ message',
  pushed: '← push',
  'push-refused': '← push',
  closed: 'closed',
  'close-answered': '→ close',
};
const WHAT_WIDTH = 14;

/** One line of `wsaas tail`. Whatever a client wrote stays on its line. */
export function lineOf(told: Told): string {
  const time = new Date(told.at).toISOString().slice(11, 23);
  const what = `${WHAT[told.type]}${'seq' in told ? ` #${told.seq}` : ''}`.padEnd(WHAT_WIDTH);
  const who = 'id' in told ? told.id : '–';
  const payload = 'payload' in told && told.payload !== null ? `  ${told.payload}` : '';
  return visible(`${time}  ${what}  ${who}  ${told.path}  ${resultOf(told)}${payload}`);
}

/** Does it tell of something that went wrong? */
export function isBad(told: Told): boolean {
  return told.type === 'refused' || told.type === 'push-refused' || ('verdict' in told && told.verdict !== 'delivered');
}

function resultOf(told: Told): string {
  switch (told.type) {
    case 'opened':
      return `let in, ${told.ms} ms${tagsOf(told.tags)}`;
    case 'refused':
      return `refused ${told.code}: ${told.because ?? told.reason}`;
    case 'received':
      return `read, ${sizeOf(told)}`;
    case 'answered':
      return `${said(told)}, ${told.ms} ms, ${sizeOf(told)}, trace ${traceOf(told.trace)}`;
    case 'pushed':
      return `sent, ${sizeOf(told)}`;
    case 'push-refused':
      return `not sent: ${told.because}`;
    case 'closed':
      return `${told.code}${told.reason === '' ? '' : ` ${told.reason}`}, by ${told.by}${told.openMs === null ? '' : `, after ${told.openMs} ms`}`;
    case 'close-answered':
      return `${said(told)}, ${told.ms} ms`;
  }
}

function said({ verdict, because }: { readonly verdict: string; readonly because: string | null }): string {
  return because === null ? verdict : `${verdict} (${because})`;
}

function sizeOf({ bytes, isBinary }: { readonly bytes: number; readonly isBinary: boolean }): string {
  return `${bytes} B${isBinary ? ' binary' : ''}`;
}

function traceOf(traceparent: string): string {
  return traceparent.split('-')[1] ?? '';
}

function tagsOf(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([key, value]) => `  ${key}=${value}`)
    .join('');
}
