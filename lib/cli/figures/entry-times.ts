/** The fields that may say when an entry was written: as ISO 8601, or in milliseconds since 1970. */
export const TIME_FIELDS = ['timestamp', 'at', 'time', 'createdAt'] as const;

export function isUsual(field: string): boolean {
  return (TIME_FIELDS as readonly string[]).includes(field);
}

/** When entries were written, by one of their fields. */
export interface Rate {
  readonly field: string;
  /** How many entries have the field. */
  readonly entries: number;
  readonly first: Date;
  readonly last: Date;
  /** From the first to the last; `undefined` if all have the same time. */
  readonly perSecond: number | undefined;
}

const ISO = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;
/** Smaller numbers are seconds, or not times at all. */
const MIN_MS = Date.UTC(2000);
const MAX_MS = Date.UTC(2200);

/** Looks for times in entries. */
export class EntryTimes {
  readonly #fields = new Map<string, { entries: number; first: number; last: number }>();

  add(entry: unknown): void {
    if (typeof entry !== 'object' || entry === null) return;
    for (const field of TIME_FIELDS) {
      const time = timeOf((entry as Record<string, unknown>)[field]);
      if (time === undefined) continue;
      const seen = this.#fields.get(field) ?? { entries: 0, first: time, last: time };
      this.#fields.set(field, seen);
      seen.entries++;
      seen.first = Math.min(seen.first, time);
      seen.last = Math.max(seen.last, time);
    }
  }

  /** The rate by the field that most entries have. */
  get rate(): Rate | undefined {
    const [most] = [...this.#fields].sort(([, a], [, b]) => b.entries - a.entries);
    if (most === undefined) return undefined;
    const [field, { entries, first, last }] = most;
    const perSecond = last > first ? ((entries - 1) * 1000) / (last - first) : undefined;
    return { field, entries, first: new Date(first), last: new Date(last), perSecond };
  }
}

/** A time in milliseconds since 1970; `undefined` if the value is not a time. */
export function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'string' && ISO.test(value) ? Date.parse(value) : value;
  return typeof time === 'number' && time >= MIN_MS && time <= MAX_MS ? time : undefined;
}
