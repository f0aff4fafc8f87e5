// The HTTP calls that the backend received, newest first, live by Server-Sent Events.

const SHOWN_CALLS = 100;
const LONG_BODY_CHARACTERS = 160;
const list = document.getElementById('calls');
const counter = document.getElementById('count');
const leg = document.getElementById('http-leg');
let count = 0;

/**
 * @param {{ tab: string, onParts: (parts: { gateway: string, backend: string }) => void, onHolders: (holders: { id: string, node: string, name: string }[]) => void, onOwnAddress: (wsUri: string) => void }} options
 *   `onHolders` is called with which node holds whom, where there are several; `onOwnAddress` is called when the call that opened this tab's connection has been seen
 */
export function followCalls({ tab, onParts, onHolders, onOwnAddress }) {
  let ownUri = null;
  const source = new EventSource('calls');
  source.addEventListener('open', () => {
    count = 0; // a stream tells everything from the start
    list.replaceChildren();
  });
  source.addEventListener('holders', ({ data }) => onHolders(JSON.parse(data)));
  source.addEventListener('parts', ({ data }) => onParts(JSON.parse(data)));
  source.addEventListener('call', ({ data }) => {
    const call = JSON.parse(data);
    if ((call.method === 'POST' || call.method === 'CONNECT') && opener(call) === tab) {
      ownUri = call.wsUri;
      onOwnAddress(ownUri);
    }
    list.prepend(card(call, ownUri !== null && call.wsUri === ownUri));
    if (list.children.length > SHOWN_CALLS) list.lastElementChild.remove();
    count += 1;
    counter.textContent = count === 1 ? '1 call' : `${count} calls`;
    leg.classList.remove('busy');
    void leg.offsetWidth; // restarts the animation
    leg.classList.add('busy');
  });
}

function opener({ body }) {
  try {
    const { query, queryStringParameters } = JSON.parse(body);
    return (query ?? queryStringParameters)?.tab; // of the gateway's own `open`, or of an event of AWS's
  } catch {
    return undefined;
  }
}

function card(call, isOwn) {
  const item = make('li', 'call');
  item.dataset.method = call.method;
  const line = make('p', 'line');
  line.append(make('b', 'method', call.method), make('code', 'target', call.path));
  if (call.headers['ws-event']) line.append(make('span', 'event', call.headers['ws-event']));
  if (isOwn) line.append(make('span', 'own-tab', 'this tab'));
  const time = make('time', '', new Date(call.at).toLocaleTimeString([], { hour12: false }));
  time.dateTime = new Date(call.at).toISOString();
  line.append(time);

  const headers = make('dl', 'headers');
  for (const [name, value] of Object.entries(call.headers).filter(([, value]) => value !== '')) {
    const row = make('div');
    row.append(make('dt', '', name), make('dd', '', value));
    headers.append(row);
  }
  const answer = make('p', 'answer');
  answer.append(make('b', '', String(call.status)), make('code', '', call.answer || 'empty'));
  item.append(line, headers, make('pre', 'body', readable(call.body)), answer);
  return item;
}

/** As it came, but for JSON that would be hard to read on one line. */
function readable(body) {
  if (body.length < LONG_BODY_CHARACTERS) return body === '' ? '(empty)' : body;
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

function make(tag, className = '', text = '') {
  const node = document.createElement(tag);
  if (className !== '') node.className = className;
  node.textContent = text;
  return node;
}
