const NAME = 'permessage-deflate';
const WINDOW_BITS = /^([89]|1[0-5])$/;

/** RFC 7692 §7.1: the parameters of an offer, each with what its value may be; null: none at all. */
const PARAMETERS: Readonly<Record<string, (value: string | null) => boolean>> = {
  server_no_context_takeover: (value) => value === null,
  client_no_context_takeover: (value) => value === null,
  server_max_window_bits: (value) => value !== null && WINDOW_BITS.test(value),
  client_max_window_bits: (value) => value === null || WINDOW_BITS.test(value),
};

/**
 * The first offer of a `Sec-WebSocket-Extensions` list that can be taken, in the form that `ws` reads, or null. Every
 * other one is declined: extensions that are unknown here, parameters that are unknown, doubled or wrong (RFC 7692 §7),
 * and what is no offer at all. `ws` 8.23.0 would refuse the client instead.
 */
export function acceptableDeflateOffer(list: string): string | null {
  return (
    splitOutsideQuotes(list, ',')
      .map(readOffer)
      .find((offer) => offer !== null) ?? null
  );
}

function readOffer(text: string): string | null {
  const [name, ...parameters] = splitOutsideQuotes(text, ';').map((part) => part.trim());
  if (name !== NAME) return null;
  const seen = new Set<string>();
  const written = [NAME];
  for (const parameter of parameters) {
    const at = parameter.indexOf('=');
    const key = at < 0 ? parameter : parameter.slice(0, at);
    const value = at < 0 ? null : unquoted(parameter.slice(at + 1));
    if (seen.has(key) || !Object.hasOwn(PARAMETERS, key) || PARAMETERS[key]?.(value) !== true) return null;
    seen.add(key);
    written.push(value === null ? key : `${key}=${value}`);
  }
  return written.join('; ');
}

/** A value may stand in quotes (RFC 6455 §9.1); no value that is right needs an escape. */
function unquoted(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let isQuoted = false;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (isQuoted && character === '\\') index += 1;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === separator && !isQuoted) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
