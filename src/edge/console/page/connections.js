import { ask, read, urlencodedTags } from './api.js';
import { byId, fieldsOf, linkToConnection, onSubmit, rowOf, tableOf, tagsOf } from './dom.js';
import { dateOf, numberOf } from './format.js';

const COLUMNS = ['Id', 'Path', 'Tags', 'Address', 'Since', 'Node'];
const PAGE = 50;
/** A page is asked for again where it came back short, but not for ever. */
const MOST_REQUESTS = 25;

/** Search, and commands to all that have the tags that are searched for. */
export function createConnections() {
  const form = byId('search');
  const note = byId('search-note');
  const more = byId('more');
  const body = tableOf(byId('found'), COLUMNS);
  let search = null;
  let shown = 0;

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void begin();
  });
  more.addEventListener('click', () => void page(search));
  createSelection(form);

  async function begin() {
    try {
      const { id, path, tags } = fieldsOf(form);
      search = { id, path, tags: urlencodedTags(tags), cursor: '' };
    } catch (error) {
      note.textContent = error.message;
      return;
    }
    body.replaceChildren();
    shown = 0;
    await page(search);
  }

  /** Asks until the page is full: each request looks at a bounded part of the connections. */
  async function page(asked) {
    more.hidden = true;
    const end = shown + PAGE;
    try {
      for (let request = 0; request < MOST_REQUESTS; request += 1) {
        note.textContent = shown === 0 ? 'Searching' : `${numberOf(shown)} shown, searching`;
        const { connections, next, incomplete } = await read('console/connections', { ...asked, limit: String(end - shown) });
        if (asked !== search) return; // another search began meanwhile
        for (const one of connections) body.append(rowFor(one));
        shown += connections.length;
        asked.cursor = next ?? '';
        note.textContent = `${numberOf(shown)} shown${next === null ? ', that is all' : ''}${incomplete === null ? '' : `; without ${incomplete}, which did not answer`}.`;
        if (next === null || shown >= end) break;
      }
      more.hidden = asked.cursor === '';
    } catch (error) {
      if (asked === search) note.textContent = error.message;
    }
  }

  return { shown: begin };
}

function rowFor({ id, path, tags, remote_address: address, connected_at: since, node }) {
  return rowOf(COLUMNS, [linkToConnection(id), path, tagsOf(tags), address, dateOf(since), node]);
}

/** Commands to all that have the tags of the search. */
function createSelection(search) {
  const details = byId('selection');
  const count = byId('selection-count');
  const form = byId('selection-form');
  const button = form.querySelector('button');

  const look = async () => {
    if (!details.open) return;
    button.disabled = true;
    count.textContent = 'nobody';
    try {
      const selector = urlencodedTags(fieldsOf(search).tags);
      if (selector === '') return;
      count.textContent = await (await ask(`count?${selector}`)).text();
      button.disabled = count.textContent === '0';
    } catch (error) {
      count.textContent = error.message;
    }
  };
  details.addEventListener('toggle', look);
  search.elements.tags.addEventListener('change', look);

  onSubmit(form, async ({ action, text }) => {
    const selector = urlencodedTags(fieldsOf(search).tags);
    if (selector === '') throw new Error('write tags above: without any, nobody is meant');
    const isTags = action === 'settags';
    const type = isTags ? 'application/x-www-form-urlencoded' : 'text/plain; charset=utf-8';
    const response = await ask(`${action}?${selector}`, {
      method: 'POST',
      body: isTags ? urlencodedTags(text) : text,
      headers: { 'Content-Type': type, Accept: 'application/json' },
    });
    const { matched, sent, failed } = await response.json();
    return `${matched} matched, ${sent} done${failed > 0 ? `, ${failed} not` : ''}.`;
  });
}
