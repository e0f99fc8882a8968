import { counted } from '../terminal/wording';
import { fromHere } from '../terminal/describe-error';
import type { Piece } from './salvage';

interface Group {
  lines: number;
  readonly first: Piece;
  last: Piece;
}

/** What a repair could not keep, by reason. */
export class LeftOut {
  readonly #filePath: string;
  readonly #groups = new Map<string, Group>();
  #bytes = 0;
  #lines = 0;
  #last: Piece | undefined;

  /** @param filePath - the journal's file; the report names all others */
  constructor(filePath: string) {
    this.#filePath = filePath;
  }

  /** @param reason - there are only a few different ones */
  add(piece: Piece, reason: string): void {
    // Several parts of a line count as one.
    if (!isOfLine(piece, this.#last)) this.#lines++;
    this.#last = piece;
    const group = this.#groups.get(reason);
    if (!group) this.#groups.set(reason, { lines: 1, first: piece, last: piece });
    else {
      if (!isOfLine(piece, group.last)) group.lines++;
      group.last = piece;
    }
    this.#bytes += piece.bytes;
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** A line about everything, then one for each reason. */
  *report(): Generator<string, void> {
    const groups = [...this.#groups.values()];
    const [first] = groups;
    if (first === undefined) return;
    const from = `${this.#where(first.first)} (byte ${first.first.byteOffset})`;
    yield `left out ${counted(this.#lines, 'line')}, ${counted(this.#bytes, 'byte')}, from ${from} on:`;
    for (const [reason, group] of this.#groups) {
      yield `- ${this.#where(group.first)}${group.lines > 1 ? ` and ${group.lines - 1} more` : ''}: ${reason}`;
    }
  }

  #where({ filePath, line }: Piece): string {
    return `${filePath === this.#filePath ? '' : `${fromHere(filePath)}, `}line ${line}`;
  }
}

/** Whether two pieces are parts of one line. */
export function isOfLine(piece: Piece, other: Piece | undefined): boolean {
  return piece.line === other?.line && piece.filePath === other.filePath;
}
