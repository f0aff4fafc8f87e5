/** Elements made of words: whatever a client sent becomes text, never markup. */

/** `element('td', { className: 'id' }, 'text', child)`; what begins with `data-` or `aria-` becomes an attribute. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (key.includes('-') || key === 'role' || key === 'scope') made.setAttribute(key, String(value));
    else made[key] = value;
  }
  made.append(
    ...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))),
  );
  return made;
}

export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element #${id}`);
  return found;
}

/** The head of a table, and an empty body that is returned. */
export function tableOf(table, columns) {
  const body = element('tbody');
  const head = element('thead', {}, element('tr', {}, ...columns.map((title) => element('th', { scope: 'col' }, title))));
  table.replaceChildren(head, body);
  return body;
}

/** A row whose cells know their column's title, for narrow windows. */
export function rowOf(columns, cells, properties = {}) {
  const made = cells.map((cell, index) =>
    element('td', { 'data-label': columns[index] }, cell === '' || cell === null || cell === undefined ? '–' : cell),
  );
  return element('tr', properties, ...made);
}

export function linkToConnection(id) {
  return element(
    'a',
    { href: `#connection=${encodeURIComponent(id)}`, className: 'id', title: id },
    id.length > 14 ? `${id.slice(0, 12)}…` : id,
  );
}

export function tagsOf(tags) {
  const pairs = Object.entries(tags);
  if (pairs.length === 0) return '';
  return element('span', { className: 'tags' }, ...pairs.map(([key, value]) => element('code', {}, `${key}=${value}`)));
}

/** A form's text fields by their names, trimmed. */
export function fieldsOf(form) {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, typeof value === 'string' ? value.trim() : '']));
}

/** Calls what a form asks for when it is sent, and shows what came of it in the form's `output`. */
export function onSubmit(form, act) {
  const button = form.querySelector('button[type=submit]');
  const output = form.querySelector('output');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const said = await act(fieldsOf(form));
      if (output !== null) show(output, said ?? '', 'good');
    } catch (error) {
      if (output === null) throw error;
      show(output, error.message, 'bad');
    } finally {
      button.disabled = false;
    }
  });
}

function show(output, text, kind) {
  output.textContent = text;
  output.dataset.kind = kind;
}
