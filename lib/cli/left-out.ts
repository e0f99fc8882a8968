import { counted } from './counted';
import type { Piece } from './salvage';

interface Group {
  lines: number;
  readonly first: Piece;
}

/** What a repair could not keep, by reason. */
export class LeftOut {
  readonly #groups = new Map<string, Group>();
  #bytes = 0;

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
    const { line, byteOffset } = first.first;
    yield `left out ${counted(lines, 'line')}, ${counted(this.#bytes, 'byte')}, from line ${line} (byte ${byteOffset}) on:`;
    for (const [reason, group] of this.#groups) {
      yield `- line ${group.first.line}${group.lines > 1 ? ` and ${group.lines - 1} more` : ''}: ${reason}`;
    }
  }
}
