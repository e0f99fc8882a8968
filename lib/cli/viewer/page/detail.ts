import type { Row } from '../line';
import { button, element } from './element';

/** So many values of one object or array are shown until more are asked for. */
const SHOWN = 200;

/** What is shown of a line that is opened. */
export interface Detail {
  readonly row: Row;
  readonly text: string;
  readonly entry?: unknown;
}

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

/** What differs between two entries: the path, and the value before and after. */
export function differences(before: unknown, after: unknown, path = ''): [string, unknown, unknown][] {
  const isObject = (value: unknown) => typeof value === 'object' && value !== null;
  if (!isObject(before) || !isObject(after) || Array.isArray(before) !== Array.isArray(after))
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [[path || '(entry)', before, after]];
  const [a, b] = [before, after] as [Record<string, unknown>, Record<string, unknown>];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].flatMap((key) => differences(a[key], b[key], path === '' ? key : `${path}.${key}`));
}

/** How an entry differs from another. */
export function differenceOf(before: Detail, after: Detail): HTMLElement {
  const found = differences(before.entry, after.entry);
  const made = element('section', 'difference', element('h3', '', `Difference from ${titleOf(before.row)}`));
  if (found.length === 0) made.append('None.');
  for (const [path, old, now] of found) {
    const values = [element('del', '', shown(old)), ' → ', element('ins', '', shown(now))];
    made.append(element('p', '', element('span', 'key', `${path}: `), ...values));
  }
  return made;
}

export function titleOf({ n, position }: Row): string {
  return position === undefined ? `line ${n}` : `position ${position}`;
}

function shown(value: unknown): string {
  return value === undefined ? '(none)' : JSON.stringify(value);
}
