import { TIME_FIELDS, timeOf } from '../figures/entry-times';
import { fieldOf } from './field-of';

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

/** The fields of entries, and of objects in them, that hold times: the usual ones first, then the most frequent one. */
export function timeFieldsIn(entries: readonly unknown[]): string[] {
  const counts = new Map<string, number>();
  const count = (value: unknown, path: string, depth: number) => {
    if (timeOf(value) !== undefined) counts.set(path, (counts.get(path) ?? 0) + 1);
    else if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth > 0)
      for (const [key, inner] of Object.entries(value)) count(inner, path === '' ? key : `${path}.${key}`, depth - 1);
  };
  for (const entry of entries) count(entry, '', 2);
  const rank = (path: string) => {
    const usual = (TIME_FIELDS as readonly string[]).indexOf(path);
    return usual < 0 ? TIME_FIELDS.length : usual;
  };
  return [...counts].sort(([a, m], [b, n]) => rank(a) - rank(b) || n - m).map(([path]) => path);
}
