// What is wrong with a page for somebody who reads, presses or listens: a list of sentences, empty where all is well.
// It runs inside the page and changes nothing in it, except that what moves towards an end is there at once.
const WIDTH = arguments[0];
const TARGET_PX = 44;
const CONTRAST = 4.5;
const faults = [];

for (const one of document.getAnimations()) {
  if (one.effect.getComputedTiming().endTime !== Infinity) one.finish();
}
const name = (one) => {
  const id = one.id ? `#${one.id}` : '';
  const kind = one.classList.length ? `.${[...one.classList].join('.')}` : '';
  return `<${one.localName}${id}${kind}> "${(one.innerText || one.value || '').trim().slice(0, 40)}"`;
};
const all = (selector) => [...document.querySelectorAll(selector)];
const shown = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true });
// What is only for those who listen is clipped to nothing, and a link to skip with lies far to the left.
const seen = (one) => {
  const box = one.getBoundingClientRect();
  const clipped = getComputedStyle(one).clipPath === 'inset(50%)';
  return shown(one) && !clipped && box.width > 1 && box.height > 1 && box.right > 0;
};

// Sizes.
const wide = document.scrollingElement.scrollWidth;
if (wide > WIDTH) {
  const culprit = all('body *').filter(seen).find((one) => one.getBoundingClientRect().right > WIDTH + 1);
  faults.push(`the page is ${wide} px wide on a screen of ${WIDTH}${culprit ? `: ${name(culprit)}` : ''}`);
}
const inText = (one) => {
  const around = one.parentElement.innerText.trim();
  return one.localName === 'a' && getComputedStyle(one).display === 'inline'
    && around.length > one.innerText.trim().length;
};
const target = (one) => (one.matches('[type=radio], [type=checkbox]') && one.labels[0]) || one;
for (const one of all('a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [tabindex="0"]')) {
  if (!seen(one) || inText(one)) continue;
  const box = target(one).getBoundingClientRect();
  if (box.height < TARGET_PX - 0.5 || box.width < TARGET_PX - 0.5) {
    faults.push(`${name(one)} is a target of ${Math.round(box.width)} × ${Math.round(box.height)} px`);
  }
}

// Contrast. A canvas turns every notation of a colour into its four numbers.
const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 })
  .getContext('2d', { willReadFrequently: true });
const numbers = (colour) => {
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
};
const over = ([r, g, b, a], [r2, g2, b2]) => [r * a + r2 * (1 - a), g * a + g2 * (1 - a), b * a + b2 * (1 - a), 1];
const light = ([r, g, b]) => {
  const part = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};
const behind = (one) => {
  const layers = [];
  for (let at = one; at; at = at.parentElement) {
    layers.push(numbers(getComputedStyle(at).backgroundColor));
    if (layers.at(-1)[3] === 1) break;
  }
  // Where nothing is painted, the browser paints its own: white, or black in the dark.
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  return layers.reverse().reduce((under, layer) => over(layer, under), dark ? [18, 18, 18, 1] : [255, 255, 255, 1]);
};
const contrast = (one, colour) => {
  const back = behind(one);
  const [high, low] = [light(over(numbers(colour), back)), light(back)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const looked = new Set();
const look = (one, colour) => {
  const found = contrast(one, colour);
  if (found < CONTRAST) faults.push(`${name(one)} has a contrast of ${found.toFixed(2)}`);
};
while (texts.nextNode()) {
  const one = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || looked.has(one) || !seen(one)) continue;
  looked.add(one);
  const style = getComputedStyle(one);
  look(one, one instanceof SVGElement ? style.fill : style.color);
}
for (const one of all('input:not([type=hidden]), select, textarea').filter(seen)) {
  look(one, getComputedStyle(one).color);
}

// What somebody hears who does not see.
for (const one of all('input:not([type=hidden]), select, textarea')) {
  const said = one.ariaLabel || one.getAttribute('aria-labelledby') || [...one.labels].some((label) => label.textContent.trim());
  if (!said) faults.push(`${name(one)} has no label`);
}
for (const one of all('a[href], button')) {
  const picture = one.querySelector('img[alt]:not([alt=""]), svg[aria-label]');
  if (!one.textContent.trim() && !one.ariaLabel && !picture) faults.push(`${name(one)} has no name`);
}
for (const one of all('img:not([alt])')) faults.push(`${name(one)} ${one.src} has no alt`);
for (const one of all('[role=img], progress, meter')) {
  const by = document.getElementById(one.getAttribute('aria-labelledby'));
  if (!by?.textContent.trim() && !one.ariaLabel && !one.labels?.length) faults.push(`${name(one)} has no name`);
}
for (const one of all('table')) {
  if (!one.querySelector('th')) faults.push(`${name(one)} is a table without headings`);
}

// The frame of the page.
const count = (selector, right) => {
  const found = all(selector).filter(shown).length;
  if (found !== right) faults.push(`${found} of ${selector} instead of ${right}`);
};
// A preview shows a page within the page.
count('h1:not(.preview h1)', 1);
count('main', 1);
count('body > header', 1);
count('body > footer', 1);
for (const one of all('nav')) if (!one.ariaLabel) faults.push('a navigation has no name');
let level = 0;
for (const one of all('h1, h2, h3, h4, h5, h6').filter(shown)) {
  const next = Number(one.localName[1]);
  if (next > level + 1) faults.push(`${name(one)} comes after a heading of level ${level}`);
  level = next;
}
const lang = location.pathname.startsWith('/en') ? 'en' : 'zh-CN';
if (document.documentElement.lang !== lang) faults.push(`the language is ${document.documentElement.lang}`);
if (!document.title.trim()) faults.push('the page has no title');
const ids = all('[id]').map((one) => one.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`two things are #${id}`);
for (const one of all('*')) {
  for (const { name: said } of one.attributes) {
    if (said === 'style' || said.startsWith('on')) faults.push(`${name(one)} has the attribute ${said}`);
  }
}
return faults;
