import type { Sample } from '../answers';

/** More are not offered; `type:` finds the others. */
const MOST = 12;

/** The most frequent types of some lines. */
export function frequentTypes(samples: readonly Sample[]): string[] {
  const counts = new Map<string, number>();
  // A search has no way to name one with a quotation mark.
  for (const { type } of samples)
    if (type !== undefined && !type.includes('"')) counts.set(type, (counts.get(type) ?? 0) + 1);
  const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, MOST);
  return most.map(([type]) => type);
}
