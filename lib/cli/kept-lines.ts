import { LineReader } from '../file/line-reader';
import { isContinuedLine } from '../file/group-line';
import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import type { Position } from '../journal/position';
import { counted } from './counted';
import type { JournalLine } from './journal-line';
import { LeftOut } from './left-out';
import { Missing } from './missing';
import type { NewJournals } from './new-journals';
import { renumbered } from './renumbered';
import type { Piece } from './salvage';

type LinePiece = Piece & { readonly content: JournalLine };

/** Sorts what is salvaged of a journal into new ones, and tells what is not in them. */
export class KeptLines {
  readonly #journals: NewJournals;
  readonly #renumber: boolean;
  readonly #leftOut: LeftOut;
  readonly #missing = new Missing();
  /** Of a group that is not whole yet. */
  #held: LinePiece[] = [];
  /** The last position that was kept, as it stood in its line. */
  #last: Position;
  #renumbered = 0;
  #tornBytes = 0;

  /** @param oldest - the position that the journal begins with */
  constructor(filePath: string, journals: NewJournals, oldest: Position, renumber: boolean) {
    this.#journals = journals;
    this.#renumber = renumber;
    this.#leftOut = new LeftOut(filePath);
    this.#last = oldest - 1;
  }

  /** Whether nothing but a torn end was lost. */
  get isWhole(): boolean {
    return this.#leftOut.isEmpty && this.#missing.isEmpty;
  }

  /** Takes the next piece; the one behind it waits for the promise that it may return. */
  add(piece: Piece): Promise<void> | undefined {
    const { content } = piece;
    if (typeof content === 'string') {
      if (this.#isTorn(piece)) this.#tornBytes += piece.bytes;
      else this.#leaveOut(piece, content);
      return undefined;
    }
    if (this.#held.length > 0 && content.position !== this.#next) this.#dropHeld();
    this.#held.push({ ...piece, content });
    return isContinuedLine(content.text) ? undefined : this.#keepHeld();
  }

  /** There is nothing more: a group that is not whole is torn. */
  end(): void {
    for (const { bytes } of this.#held.splice(0)) this.#tornBytes += bytes;
  }

  /** What was lost, in lines. */
  *losses(): Generator<string, void> {
    yield* this.#leftOut.report();
    if (!this.#missing.isEmpty) yield this.#missing.report();
  }

  /** What else there is to say. */
  *notes(): Generator<string, void> {
    if (this.#renumbered > 0) yield `gave new positions to ${counted(this.#renumbered, 'entry')}`;
    if (this.#tornBytes > 0) yield `left out a torn end of ${counted(this.#tornBytes, 'byte')}`;
  }

  /** The position that goes on from what was read. */
  get #next(): Position {
    return (this.#held.at(-1)?.content.position ?? this.#last) + 1;
  }

  async #keepHeld(): Promise<void> {
    const lines = this.#held.splice(0).map(({ content }) => content);
    const [{ position: first }] = lines as [JournalLine];
    if (first > this.#last + 1) this.#missing.add(this.#last + 1, first - 1);
    let journal = this.#journals.newest;
    if (journal === undefined || (first !== this.#last + 1 && !this.#renumber))
      journal = await this.#journals.begin(first);
    for (const line of lines) {
      this.#last = line.position;
      const position = journal.last + 1;
      if (line.position !== position) this.#renumbered++;
      await journal.add(renumbered(line, position));
    }
  }

  #leaveOut(piece: Piece, reason: string): void {
    this.#dropHeld();
    this.#leftOut.add(piece, reason);
  }

  #dropHeld(): void {
    for (const piece of this.#held.splice(0)) this.#leftOut.add(piece, 'its group is not whole');
  }

  /** Whether the next open would cut it off. */
  #isTorn({ filePath, line, byteOffset, end }: Piece): boolean {
    if (end === undefined) return false;
    const serializer = new JsonEntrySerializer<unknown>();
    const lines = new LineReader({ filePath, serializer }, { lines: line - 1, position: this.#next - 1 });
    try {
      lines.end({ bytes: end, byteOffset, whole: false });
      return true;
    } catch {
      return false;
    }
  }
}
