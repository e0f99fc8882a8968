import { button, element } from './element';

/** So many values of one object or array are shown until more are asked for. */
const SHOWN = 200;

/** An entry as a tree, which opens what is opened. */
export function treeOf(value: unknown, key = '', isOpen = true): HTMLElement {
  const name = key === '' ? [] : [element('span', 'key', `${key}: `)];
  if (typeof value !== 'object' || value === null) return element('div', 'leaf', ...name, leafOf(value));
  const items = Object.entries(value);
  const what = Array.isArray(value) ? `[${items.length}]` : `{${items.length}}`;
  const made = element('details', '', element('summary', '', ...name, element('span', 'count', what)));
  const show = (from: number) => {
    for (const [key, item] of items.slice(from, from + SHOWN)) made.append(treeOf(item, key, false));
    if (items.length <= from + SHOWN) return;
    const more = button(`${items.length - from - SHOWN} more`, () => {
      more.remove();
      show(from + SHOWN);
    });
    made.append(more);
  };
  // What is closed is not made.
  made.addEventListener('toggle', () => made.childElementCount === 1 && show(0));
  made.open = isOpen;
  return made;
}

function leafOf(value: unknown): HTMLElement {
  return element('span', typeof value === 'string' ? 'text' : 'value', JSON.stringify(value));
}
