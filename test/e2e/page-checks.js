// What may be wrong with a page as it is shown now; evaluated in the page by its tests.

/** Controls and regions that a screen reader could not name. */
function nameless() {
  return [...document.querySelectorAll('main input, main textarea, main button, main a, table, section, svg')]
    .filter((one) => one.checkVisibility() && !hasName(one))
    .map((one) => `nameless: ${one.outerHTML.slice(0, 80)}`);
}

function hasName(one) {
  switch (one.localName) {
    case 'input':
    case 'textarea':
      return one.labels.length > 0;
    case 'table':
      return one.closest('[role=region][aria-label], [role=region][aria-labelledby]') !== null;
    case 'section':
      return document.getElementById(one.getAttribute('aria-labelledby')) !== null;
    case 'svg':
      return one.getAttribute('role') === 'img';
    default:
      return one.textContent.trim() !== '';
  }
}

/** Texts whose contrast is below 4.5 to 1 (WCAG 2.2, success criterion 1.4.3). */
function faint() {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const told = [];
  for (const one of document.querySelectorAll('body *')) {
    const hasText = [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim() !== '');
    if (!hasText || !one.checkVisibility() || one.closest(':disabled, .skip') !== null) continue;
    const grounds = [];
    for (let at = one; at !== null; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
    const [brighter, darker] = [grounds, [...grounds, getComputedStyle(one).color]]
      .map((colors) => luminance(mixed(canvas, colors)))
      .toSorted((a, b) => b - a);
    const contrast = (brighter + 0.05) / (darker + 0.05);
    if (contrast < 4.5) told.push(`faint, ${contrast.toFixed(2)}: ${one.localName} ${one.textContent.trim().slice(0, 30)}`);
  }
  return told;
}

/** What the eye sees of colors that lie over each other. */
function mixed(canvas, colors) {
  canvas.clearRect(0, 0, 1, 1);
  for (const color of colors) {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
  }
  return Array.from(canvas.getImageData(0, 0, 1, 1).data.slice(0, 3));
}

function luminance(color) {
  const [red, green, blue] = color.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Wider than the window: one would have to scroll sideways. */
function overflowing() {
  const over = document.documentElement.scrollWidth - window.innerWidth;
  return over > 0 ? [`${over} px too wide`] : [];
}

globalThis.pageChecks = () => [...overflowing(), ...nameless(), ...faint()];
