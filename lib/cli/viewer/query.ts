import { typeOf } from '../figures/entry-types';
import { fieldOf } from './field-of';
import type { Line } from './line';

/** A search: a line must match all of its terms. */
export class Query {
  readonly #holds: ((line: Line) => boolean)[] = [];
  readonly #texts: string[] = [];
  readonly #types: string[] = [];
  /** Only lines after the one position, and before the other. */
  after = -Infinity;
  before = Infinity;

  /** @param text - words, `type:Said`, `after:5`, `before:9`, `is:damaged`, `who=Ann`, `order.id=7`; a term with spaces is quoted: `"…"` */
  constructor(text: string) {
    for (const [term] of text.matchAll(/(?:[^\s"]|"[^"]*"?)+/g)) this.#add(term);
  }

  matches(line: Line): boolean {
    // The cheap ones first.
    if (this.#texts.length > 0) {
      const text = line.text.toLowerCase();
      if (!this.#texts.every((word) => text.includes(word))) return false;
    }
    if (this.#types.length > 0 && !this.#types.includes(typeOf(line.entry) ?? '')) return false;
    const { position = line.n } = line;
    return position > this.after && position < this.before && this.#holds.every((holds) => holds(line));
  }

  #add(term: string): void {
    const [, key = '', operator, quoted = ''] = /^([\w$.-]+)([:=])(.*)$/s.exec(term) ?? [];
    const value = unquoted(quoted);
    const count = /^\d+$/.test(value) ? Number(value) : undefined;
    if (operator === '=') this.#holds.push(({ entry }) => isValue(fieldOf(entry, key), value));
    else if (key === 'type') this.#types.push(value);
    else if (key === 'after' && count !== undefined) this.after = Math.max(this.after, count);
    else if (key === 'before' && count !== undefined) this.before = Math.min(this.before, count);
    else if (key === 'is' && value === 'damaged') this.#holds.push(({ damage }) => damage !== undefined);
    else this.#texts.push(unquoted(term).toLowerCase());
  }
}

function unquoted(text: string): string {
  return /^"([^"]*)"?$/.exec(text)?.[1] ?? text;
}

function isValue(found: unknown, value: string): boolean {
  if (found === undefined) return false;
  return typeof found === 'string' ? found === value : JSON.stringify(found) === value;
}
