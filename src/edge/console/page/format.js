const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });

export const timeOf = (at) => clock.format(new Date(at));
export const dateOf = (at) => day.format(new Date(at));

export function numberOf(value) {
  return value >= 100 ? whole.format(value) : fine.format(value);
}

export function msOf(ms) {
  if (ms === null || ms === undefined) return '';
  if (ms < 10_000) return `${numberOf(ms)} ms`;
  return spanOf(ms);
}

/** A long span in its two largest units. */
export function spanOf(ms) {
  const seconds = Math.floor(ms / 1_000);
  const units = [
    ['d', Math.floor(seconds / 86_400)],
    ['h', Math.floor(seconds / 3_600) % 24],
    ['min', Math.floor(seconds / 60) % 60],
    ['s', seconds % 60],
  ];
  const first = units.findIndex(([, count]) => count > 0);
  if (first < 0) return `${Math.round(ms)} ms`;
  return units
    .slice(first, first + 2)
    .filter(([, count]) => count > 0)
    .map(([unit, count]) => `${count} ${unit}`)
    .join(' ');
}

export function bytesOf(bytes) {
  if (bytes < 1_000) return `${numberOf(bytes)} B`;
  if (bytes < 1_000_000) return `${numberOf(bytes / 1_000)} kB`;
  if (bytes < 1_000_000_000) return `${numberOf(bytes / 1_000_000)} MB`;
  return `${numberOf(bytes / 1_000_000_000)} GB`;
}
