import { button, element } from './element';

/** How many values of an object or array are shown at first, and with each "more". */
const SHOWN = 200;

/** An entry as a tree whose branches open and close. */
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
  // A branch is made when it is opened.
  made.addEventListener('toggle', () => made.childElementCount === 1 && show(0));
  made.open = isOpen;
  return made;
}

function leafOf(value: unknown): HTMLElement {
  return element('span', typeof value === 'string' ? 'text' : 'value', JSON.stringify(value));
}
