import type { Row } from '../line';
import { element } from './element';

/** An opened line. */
export interface Detail {
  readonly row: Row;
  readonly text: string;
  readonly entry?: unknown;
}

/** A difference between two entries: the path, and the value before and after. */
export function differences(before: unknown, after: unknown, path = ''): [string, unknown, unknown][] {
  const isObject = (value: unknown) => typeof value === 'object' && value !== null;
  if (!isObject(before) || !isObject(after) || Array.isArray(before) !== Array.isArray(after))
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [[path || '(entry)', before, after]];
  const [a, b] = [before, after] as [Record<string, unknown>, Record<string, unknown>];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].flatMap((key) => differences(a[key], b[key], path === '' ? key : `${path}.${key}`));
}

/** The differences between two entries. */
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
