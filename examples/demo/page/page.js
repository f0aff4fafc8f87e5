// The chat: an ordinary WebSocket of the browser, no library. What the backend received comes from timeline.js.

import { followCalls } from './timeline.js';

const NAMES = ['Ada', 'Alan', 'Barbara', 'Edsger', 'Grace', 'Hedy', 'Katherine', 'Ken', 'Margaret', 'Radia'];
const tab = crypto.randomUUID().slice(0, 8); // tells this tab's calls from the others'
const element = (id) => document.getElementById(id);
const [messages, composer, name, text, send, again, status] = 'messages composer name text send again status'.split(' ').map(element);

let isAws = false; // Lambda handlers in the place of an HTTP backend
let nodes = []; // of a cluster
let holders = [];
let gatewayUrl = null;
let socket = null;
name.value = NAMES[Math.floor(Math.random() * NAMES.length)];

followCalls({
  tab,
  onParts(parts) {
    nodes = parts.nodes ?? [];
    showNodes();
    element('gateway').textContent = new URL(parts.gateway).host;
    element('backend').textContent = parts.handlers ?? new URL(parts.backend).host;
    if (parts.handlers !== undefined) showAws();
    gatewayUrl = parts.gateway;
    if (socket === null) connect();
  },
  onHolders(told) {
    holders = told;
    showNodes();
  },
  onOwnAddress(wsUri) {
    const other = nodes.find(({ url }) => new URL(url).host !== wsUri.split('/')[0]);
    if (other !== undefined)
      element('across').textContent = `curl -X PUT ${other.url.replace('ws', 'http')}/${wsUri.split('/')[1]} -d 'Hello across'`;
    element('push').textContent = `curl -X ${isAws ? 'POST' : 'PUT'} http://${wsUri} -d 'Hello from the terminal'`;
    element('close').textContent = `curl -X DELETE 'http://${wsUri}?code=4001&reason=bye'`;
  },
});

/** The same page, in AWS's words. */
function showAws() {
  isAws = true;
  element('title').textContent = 'A chat of Lambda handlers, written for AWS';
  element('http-leg').firstElementChild.textContent = 'Events';
  element('backend').parentElement.firstChild.textContent = 'Handlers ';
  element('calls-title').firstChild.textContent = 'What the handlers received ';
}

/** Which node holds whom. */
function showNodes() {
  element('nodes').hidden = nodes.length === 0;
  element('node-list').replaceChildren(
    ...nodes.map(({ name: node, url }) => {
      const item = document.createElement('li');
      const who = holders.filter((holder) => holder.node === node).map((holder) => holder.name);
      item.dataset.node = node;
      item.textContent = `${node} (${new URL(url).host}): ${who.length === 0 ? 'nobody' : who.join(', ')}`;
      return item;
    }),
  );
}

function connect() {
  setState('connecting', 'connecting');
  if (nodes.length > 0) {
    gatewayUrl = nodes[Math.floor(Math.random() * nodes.length)].url; // as a balancer would choose
    element('gateway').textContent = new URL(gatewayUrl).host;
  }
  socket = new WebSocket(`${gatewayUrl}${isAws ? '' : '/chat'}?${new URLSearchParams({ name: name.value, tab })}`);
  socket.addEventListener('open', () => setState('open', 'connected'));
  socket.addEventListener('message', ({ data }) => show(read(data)));
  socket.addEventListener('close', ({ code, reason }) => {
    setState('closed', `closed, ${code}`);
    show({ note: reason === '' ? `Closed with code ${code}` : `Closed with code ${code}: ${reason}` });
  });
}

function setState(state, words) {
  status.dataset.state = state;
  status.textContent = words;
  send.disabled = state !== 'open';
  send.hidden = state === 'closed';
  again.hidden = state !== 'closed';
}

/** This page chats in JSON; anything else came from the backend's greeting, or from a terminal. */
function read(data) {
  if (typeof data !== 'string') return { note: `${data.size} bytes, binary` };
  try {
    const message = JSON.parse(data);
    if (typeof message?.name === 'string' && typeof message.text === 'string') return message;
  } catch {
    // no JSON: shown as it is
  }
  return { note: data };
}

function show(message) {
  const item = document.createElement('li');
  if (message.note !== undefined) {
    item.className = 'note';
    item.textContent = message.note;
  } else {
    item.className = message.tab === tab ? 'own' : 'other';
    const who = document.createElement('b');
    who.textContent = message.tab === tab ? 'You' : message.name;
    const words = document.createElement('p');
    words.textContent = message.text;
    item.append(who, words);
  }
  messages.append(item);
  messages.scrollTop = messages.scrollHeight;
}

composer.addEventListener('submit', (event) => {
  event.preventDefault();
  if (socket?.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ name: name.value, text: text.value, tab }));
  text.value = '';
  text.focus();
});
again.addEventListener('click', connect);

for (const button of document.querySelectorAll('[data-copies]')) {
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(element(button.dataset.copies).textContent);
    button.textContent = 'Copied';
    setTimeout(() => (button.textContent = 'Copy'), 1_500);
  });
}
