import { ask } from './ask.ts';

/** What a scrape said. */
export type Scrape = {
  readonly text: string;
  /** Kinds by the names of metrics, those without a sample too. */
  readonly types: ReadonlyMap<string, string>;
  /** Of the one sample with all these labels, and others perhaps; 0 where there is none, the sum where there are several. */
  readonly value: (name: string, labels?: Readonly<Record<string, string>>) => number;
};

/** Asks `/metrics` and reads the Prometheus text; throws at a line that is none. */
export async function scrape(controlUrl: string): Promise<Scrape> {
  const { status, body } = await ask(`${controlUrl}/metrics`);
  if (status !== 200) throw new Error(`/metrics answered ${status}: ${body}`);
  return readScrape(body);
}

const SAMPLE = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/y;

export function readScrape(text: string): Scrape {
  const types = new Map<string, string>();
  const samples: { readonly name: string; readonly labels: Record<string, string>; readonly value: number }[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue;
    const [, typed, type] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (typed !== undefined && type !== undefined) {
      if (types.has(typed)) throw new Error(`${typed} is there twice`);
      types.set(typed, type);
      continue;
    }
    const [, name, inside = '', value] = SAMPLE.exec(line) ?? [];
    if (name === undefined) throw new Error(`no line of Prometheus text: ${line}`);
    samples.push({ name, labels: labelsIn(inside), value: Number(value) });
  }
  const value = (name: string, labels: Readonly<Record<string, string>> = {}): number =>
    samples
      .filter((one) => one.name === name && Object.entries(labels).every(([key, wanted]) => one.labels[key] === wanted))
      .reduce((sum, one) => sum + one.value, 0);
  return { text, types, value };
}

function labelsIn(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new Error(`labels that cannot be read: ${text}`);
    labels[name] = value;
  }
  return labels;
}
