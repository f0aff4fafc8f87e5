/**
 * A `traceparent` for one event (W3C Trace Context §3.2): the client's trace goes on where it brought one, else the
 * connection is the trace. The span follows from connection and event number, so that retries of an event share it.
 */
export function traceparent(clients: string | null, key: string, seq: number): string {
  if (key !== lastKey) remember(key);
  const span = lastSpan + (seq >>> 0).toString(16).padStart(8, '0');
  return clients === null ? `00-${lastTrace}-${span}-01` : `00-${clients.slice(3, 35)}-${span}-${clients.slice(53, 55)}`;
}

let lastKey = '';
let lastTrace = '';
let lastSpan = '';

/** A key is 22 random bytes in base64url: 16 become the trace, 4 others the first half of every span. */
function remember(key: string): void {
  const hex = Buffer.from(key, 'base64url').toString('hex');
  lastKey = key;
  lastTrace = hex.slice(0, 32).padEnd(32, '1');
  lastSpan = hex
    .slice(32, 40)
    .padEnd(8, '1')
    .replace(/^0{8}$/, '00000001');
}
