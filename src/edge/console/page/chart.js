/** Curves of the last two minutes, drawn as SVG: one or more series over one scale that begins at 0. */

const NAMESPACE = 'http://www.w3.org/2000/svg';
const POINTS = 120;
const WIDTH = POINTS - 1;
const HEIGHT = 40;

export class Chart {
  #title;
  #series;
  #format;
  #svg = shape('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' });
  #scale = document.createElement('p');

  /** `series`: `{ name, key }`; `format` makes words of a value. */
  constructor(parent, { title, series, format }) {
    this.#title = title;
    this.#format = format;
    const figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    const heading = document.createElement('h2');
    heading.textContent = title;
    const head = document.createElement('div');
    head.className = 'head';
    this.#scale.className = 'scale';
    head.append(heading, this.#scale);
    caption.append(head);
    this.#series = series.map(({ name, key }, index) => {
      const now = document.createElement('strong');
      now.textContent = '–';
      const legend = document.createElement('span');
      legend.className = `legend series-${index}`;
      legend.append(now, ` ${name}`);
      caption.append(legend);
      const area = shape('path', { class: `area series-${index}` });
      const line = shape('path', { class: `line series-${index}` });
      this.#svg.append(area, line);
      return { name, key, now, area, line, values: [] };
    });
    figure.append(caption, this.#svg);
    parent.append(figure);
  }

  /** One more look. What is null is left out: the curve has a gap there. */
  add(values) {
    for (const one of this.#series) {
      const value = values[one.key] ?? null;
      one.values.push(value);
      if (one.values.length > POINTS) one.values.shift();
      one.now.textContent = value === null ? '–' : this.#format(value);
    }
    this.#draw();
  }

  #draw() {
    const top = niceTop(Math.max(0, ...this.#series.flatMap(({ values }) => values.filter((value) => value !== null))));
    for (const { values, area, line } of this.#series) {
      const path = pathOf(values, top);
      line.setAttribute('d', path);
      area.setAttribute('d', path === '' ? '' : areaOf(values, top));
    }
    this.#scale.textContent = `up to ${this.#format(top)}`;
    const told = this.#series.map(({ name, values }) => `${name} ${describe(values, this.#format)}`);
    this.#svg.setAttribute('aria-label', `${this.#title}, last two minutes: ${told.join('; ')}`);
  }
}

function shape(name, attributes) {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const xOf = (index, count) => POINTS - count + index;
const yOf = (value, top) => (HEIGHT - (value / top) * (HEIGHT - 2) - 1).toFixed(2);

function pathOf(values, top) {
  let isDown = false;
  return values
    .map((value, index) => {
      if (value === null) {
        isDown = false;
        return '';
      }
      const step = `${isDown ? 'L' : 'M'}${xOf(index, values.length)} ${yOf(value, top)}`;
      isDown = true;
      return step;
    })
    .join('');
}

/** The same, down to the ground at both ends; a gap counts as 0. */
function areaOf(values, top) {
  const steps = values.map((value, index) => `L${xOf(index, values.length)} ${yOf(value ?? 0, top)}`);
  return `M${xOf(0, values.length)} ${HEIGHT}${steps.join('')}L${WIDTH} ${HEIGHT}Z`;
}

/** 1, 2 or 5 times a power of ten that nothing exceeds. */
function niceTop(value) {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10);
}

function describe(values, format) {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return 'unknown';
  return `now ${format(known.at(-1))}, between ${format(Math.min(...known))} and ${format(Math.max(...known))}`;
}
