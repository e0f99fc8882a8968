import type { Sample } from '../answers';

/** The most types offered; `type:` finds the others. */
const MOST = 12;

/** The most frequent types among samples. */
export function frequentTypes(samples: readonly Sample[]): string[] {
  const counts = new Map<string, number>();
  // A search cannot express a type with a quotation mark, and a button needs a name.
  for (const { type = '' } of samples)
    if (type.trim() !== '' && !type.includes('"')) counts.set(type, (counts.get(type) ?? 0) + 1);
  const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, MOST);
  return most.map(([type]) => type);
}
