import type { Description } from '../../core/commands.ts';

/** One line a connection: `id=… key=value …`; what would break the line is percent-encoded. */
export function statusLine({ id, tags }: Description): string {
  const pairs = Object.entries(tags).map(([key, value]) => ` ${escaped(key)}=${escaped(value)}`);
  return `id=${escaped(id)}${pairs.join('')}\n`;
}

function escaped(text: string): string {
  return text.replaceAll(/[\s%=\p{Cc}]/gu, (character) => encodeURIComponent(character));
}
