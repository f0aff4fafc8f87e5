import { ask, Refused, token } from './api.js';
import { createConnection } from './connection.js';
import { createConnections } from './connections.js';
import { byId } from './dom.js';
import { createEnds, createFailures, createNodes } from './lists.js';
import { createOverview } from './overview.js';
import { follow } from './stream.js';

/** Views by the hash of the URL, one stream for all of them, and the token. */

const state = byId('state');
const notice = byId('notice');
const forget = byId('forget');
const login = byId('login');
const problem = byId('login-problem');

let filter = {};
let leave = null;
let view = null;

const views = {
  overview: createOverview({
    filtered(asked) {
      filter = asked;
      watch();
    },
  }),
  connections: createConnections(),
  connection: createConnection(),
  ends: createEnds(),
  failures: createFailures(),
  nodes: createNodes(),
};

function watch() {
  leave?.();
  leave = follow(
    { figures: 'true', ...filter },
    {
      on(event, data) {
        if (event === 'hello') document.title = `${data.node} · wsaas console`;
        if (event === 'absent') tellAbsent(data);
        if (event === 'end') tell(data.reason);
        views.overview[event]?.(data);
        views.nodes[event]?.(data);
      },
      changed(now) {
        if (now instanceof Refused && now.status === 401) return askForToken(now.message);
        if (now instanceof Error) return giveUp(now);
        state.dataset.state = now;
        state.textContent = now === 'live' ? 'Live' : 'Reconnecting';
        if (now === 'live') tell('');
      },
    },
  );
}

function tellAbsent({ unreachable, refusing }) {
  const told = [...unreachable.map((name) => `${name === '*' ? 'the other nodes do' : `${name} does`} not answer`), ...refusing];
  tell(told.length === 0 ? '' : `Something is left out: ${told.join('; ')}.`);
}

function tell(text) {
  notice.textContent = text;
  notice.hidden = text === '';
}

function giveUp(error) {
  state.dataset.state = 'over';
  state.textContent = 'Not connected';
  tell(error.message);
}

function askForToken(message) {
  leave?.();
  problem.textContent = token.get() === null ? '' : message;
  token.forget();
  if (!login.open) login.showModal();
}

login.addEventListener('cancel', (event) => event.preventDefault());
byId('login-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const { token: field } = event.target.elements;
  token.set(field.value.trim());
  field.value = '';
  void enter();
});
forget.addEventListener('click', () => {
  token.forget();
  location.reload();
});

/** The first question tells whether there is a token to ask for. */
async function enter() {
  forget.hidden = token.get() === null;
  try {
    await ask('console/failures?limit=1');
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return askForToken(error.message);
    return giveUp(error);
  }
  if (login.open) login.close();
  watch();
  await show();
}

async function show() {
  const [name = '', id = ''] = location.hash.slice(1).split('=');
  const wanted = Object.hasOwn(views, name) ? name : 'overview';
  if (view !== null) views[view].left?.();
  view = wanted;
  for (const one of Object.keys(views)) byId(`view-${one}`).hidden = one !== wanted;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.hash === `#${wanted}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  await views[wanted].shown?.(decode(id));
}

/** A link that somebody cut short is as one to nobody. */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

window.addEventListener('hashchange', () => {
  void show();
  byId('main').focus();
});
void enter();
