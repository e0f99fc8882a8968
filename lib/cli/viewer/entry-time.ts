import { TIME_FIELDS, timeOf } from '../figures/entry-times';
import { fieldOf } from './field-of';

/** The most fields that are looked at, and offered. */
const MOST = 50;

/**
 * When an entry was written, in milliseconds since 1970.
 *
 * @param field - the field that holds the time, for example `meta.at`, also in seconds; default: the first of the usual fields that holds one
 */
export function entryTime(entry: unknown, field?: string): number | undefined {
  if (field !== undefined) {
    const value = fieldOf(entry, field);
    return timeOf(value) ?? (typeof value === 'number' ? timeOf(value * 1000) : undefined);
  }
  for (const usual of TIME_FIELDS) {
    const time = timeOf(fieldOf(entry, usual));
    if (time !== undefined) return time;
  }
  return undefined;
}

/** The times in an entry, and in objects in it, by their fields; in an entry with very many, some of them. */
export function timesIn(entry: unknown): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  const look = (value: unknown, path: string, depth: number) => {
    const time = timeOf(value);
    if (time !== undefined) times.set(path, time);
    else if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth > 0)
      for (const [key, inner] of Object.entries(value)) {
        if (times.size >= MOST) return;
        look(inner, path === '' ? key : `${path}.${key}`, depth - 1);
      }
  };
  for (const usual of TIME_FIELDS) look(fieldOf(entry, usual), usual, 0);
  look(entry, '', 2);
  return times;
}

/** The fields that hold times, the usual ones first, then the most frequent one. */
export function timeFieldsOf(all: readonly ReadonlyMap<string, number>[]): string[] {
  const counts = new Map<string, number>();
  for (const times of all) for (const path of times.keys()) counts.set(path, (counts.get(path) ?? 0) + 1);
  const rank = (path: string) => {
    const usual = (TIME_FIELDS as readonly string[]).indexOf(path);
    return usual < 0 ? TIME_FIELDS.length : usual;
  };
  const sorted = [...counts].sort(([a, m], [b, n]) => rank(a) - rank(b) || n - m);
  return sorted.slice(0, MOST).map(([path]) => path);
}
