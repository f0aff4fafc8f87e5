const LEVELS: Readonly<Record<number, readonly [name: string, color: number]>> = {
  10: ['TRACE', 90],
  20: ['DEBUG', 34],
  30: ['INFO ', 32],
  40: ['WARN ', 33],
  50: ['ERROR', 31],
  60: ['FATAL', 35],
};
/** What every line of one program says alike. */
const HIDDEN = new Set(['level', 'time', 'msg', 'pid', 'hostname', 'err']);
const PLAIN = /^[^\s"'\p{Cc}]+$/u;
/** What a terminal would obey. Line ends and tabs of a stack are harmless. */
const OBEYED = /[^\P{Cc}\n\t]/gu;

/**
 * One line of JSON as people read it: time, level, message, facts; the stack of an error below. Our own, as pino-pretty
 * brings a dozen packages into an image that never has a terminal.
 */
export function prettyLine(line: string, hasColors: boolean): string {
  const facts = parse(line);
  if (facts === null) return line;
  const { level, time, msg, err } = facts;
  const [name, color] = LEVELS[Number(level)] ?? [String(level), 0];
  const paint = (text: string, code: number): string => (hasColors ? `\u001b[${code}m${text}\u001b[0m` : text);
  const rest = Object.entries(facts)
    .filter(([key]) => !HIDDEN.has(key))
    .map(([key, value]) => ` ${paint(`${key}=`, 90)}${shown(value)}`);
  const clock = new Date(Number(time)).toISOString().slice(11, 23);
  return `${paint(clock, 90)} ${paint(name, color)} ${String(msg)}${rest.join('')}\n${stackOf(err)}`;
}

function parse(line: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' && PLAIN.test(value) ? value : JSON.stringify(value);
}

function stackOf(err: unknown): string {
  if (err === undefined) return '';
  const { stack, message } = Object(err) as { stack?: string; message?: string };
  return `    ${(stack ?? message ?? JSON.stringify(err)).replaceAll(OBEYED, '').replaceAll('\n', '\n    ')}\n`;
}
