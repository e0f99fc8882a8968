/** An own field of an entry, or a field of a field, for example `order.id`. */
export function fieldOf(entry: unknown, path: string): unknown {
  let value = entry;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
