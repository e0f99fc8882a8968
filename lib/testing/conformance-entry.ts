/** What JSON can carry. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * What the conformance suite writes: entries that any backend can store, because they are pure JSON.
 *
 * @example
 * ```ts
 * const scrivener = new InMemoryScrivener<ConformanceEntry>();
 * ```
 */
export type ConformanceEntry =
  { readonly type: 'Added'; readonly n: number } | { readonly type: 'Noted'; readonly note: JsonValue };

/** The entry that the cases write at position `n`, so that a record shows where it belongs. */
export function added(n: number): ConformanceEntry {
  return { type: 'Added', n };
}

/** Any JSON as an entry. */
export function noted(note: JsonValue): ConformanceEntry {
  return { type: 'Noted', note };
}
