/** How many different types are counted separately; a field that only looks like a type may have any number. */
const MAX_TYPES = 10_000;

/** How many entries there are of each type. */
export class EntryTypes {
  readonly #counts = new Map<string, number>();
  #others = 0;
  #untyped = 0;

  add(entry: unknown): void {
    const type = typeOf(entry);
    if (type === undefined) this.#untyped++;
    else if (this.#counts.has(type) || this.#counts.size < MAX_TYPES)
      this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1);
    else this.#others++;
  }

  /** The most frequent types, and how many entries have others or none. */
  top(count: number): {
    readonly types: readonly { readonly type: string; readonly entries: number }[];
    readonly others: number;
    readonly untyped: number;
  } {
    const all = [...this.#counts]
      .map(([type, entries]) => ({ type, entries }))
      .sort((a, b) => b.entries - a.entries || (a.type < b.type ? -1 : 1));
    const others = all.slice(count).reduce((sum, { entries }) => sum + entries, this.#others);
    return { types: all.slice(0, count), others, untyped: this.#untyped };
  }
}

/** The field that `isType` compares, or the one that the reference implementation writes instead. */
export function typeOf(entry: unknown): string | undefined {
  const { type, $type } = Object(entry) as { type?: unknown; $type?: unknown };
  return [type, $type].find((name) => typeof name === 'string');
}
