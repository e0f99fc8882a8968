import { counted } from './counted';
import type { Piece } from './salvage';

interface Group {
  lines: number;
  readonly first: Piece;
}

/** What a repair could not keep, by reason. */
export class LeftOut {
  readonly #filePath: string;
  readonly #groups = new Map<string, Group>();
  #bytes = 0;

  /** @param filePath - the journal's; other files are named */
  constructor(filePath: string) {
    this.#filePath = filePath;
  }

  /** @param reason - one of a few */
  add(piece: Piece, reason: string): void {
    const group = this.#groups.get(reason) ?? { lines: 0, first: piece };
    this.#groups.set(reason, group);
    group.lines++;
    this.#bytes += piece.bytes;
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** A line on all of it, then one for each reason. */
  *report(): Generator<string, void> {
    const groups = [...this.#groups.values()];
    const [first] = groups;
    if (first === undefined) return;
    const lines = groups.reduce((sum, group) => sum + group.lines, 0);
    const from = `${this.#where(first.first)} (byte ${first.first.byteOffset})`;
    yield `left out ${counted(lines, 'line')}, ${counted(this.#bytes, 'byte')}, from ${from} on:`;
    for (const [reason, group] of this.#groups) {
      yield `- ${this.#where(group.first)}${group.lines > 1 ? ` and ${group.lines - 1} more` : ''}: ${reason}`;
    }
  }

  #where({ filePath, line }: Piece): string {
    return `${filePath === this.#filePath ? '' : `${filePath}, `}line ${line}`;
  }
}
