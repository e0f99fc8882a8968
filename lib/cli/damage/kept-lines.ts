import { LineReader } from '../../file/lines/line-reader';
import { isContinuedLine } from '../../file/lines/group-line';
import { JsonEntrySerializer } from '../../flush/json-entry-serializer';
import type { Position } from '../../journal/position';
import { counted } from '../terminal/wording';
import type { JournalLine } from '../reading/journal-line';
import { isOfLine, LeftOut } from './left-out';
import { Missing } from './missing';
import type { NewJournals } from '../writing/new-journals';
import { renumbered } from '../writing/renumbered';
import type { Piece } from './salvage';

/** How much garbage a group may contain. */
const MAX_HELD_GARBAGE = 1000;

/** Called with each damaged line, in order. */
export type OnDamage = (line: Pick<Piece, 'filePath' | 'line' | 'byteOffset'>, reason: string) => void;

/** Distributes the salvaged lines to new journals, and reports what they do not contain. */
export class KeptLines {
  readonly #journals: NewJournals;
  readonly #renumber: boolean;
  readonly #leftOut: LeftOut;
  readonly #missing = new Missing();
  /** The lines of a group that is not complete yet, and what is between them. */
  #held: Piece[] = [];
  #heldGarbage = 0;
  /** The position that would follow what was read. */
  #next: Position;
  /** The last position that was kept, as written in its line. */
  #last: Position;
  #renumbered = 0;
  #tornBytes = 0;
  /** How many pieces were left out since the last kept line. */
  #gap = 0;
  #previous: Piece | undefined;
  readonly #onDamage: OnDamage;

  /** @param oldest - the position that the journal begins with */
  constructor(
    filePath: string,
    journals: NewJournals,
    oldest: Position,
    renumber: boolean,
    onDamage: OnDamage = () => undefined,
  ) {
    this.#onDamage = onDamage;
    this.#journals = journals;
    this.#renumber = renumber;
    this.#leftOut = new LeftOut(filePath);
    this.#last = oldest - 1;
    this.#next = oldest;
  }

  /** Whether nothing but a torn end was lost. */
  get isWhole(): boolean {
    return this.#leftOut.isEmpty && this.#missing.isEmpty;
  }

  /** The bytes at the end that a crash left of a line or a group. */
  get tornBytes(): number {
    return this.#tornBytes;
  }

  /** Takes the next piece. If it returns a promise, wait for it before the next call. */
  add(piece: Piece): Promise<void> | undefined {
    const { content } = piece;
    if (isOfLine(piece, this.#previous)) this.#onDamage(piece, 'several entries, or parts of them, are on one line');
    this.#previous = piece;
    if (typeof content === 'string') {
      if (this.#isTorn(piece)) this.#tornBytes += piece.bytes;
      else this.#leaveOut(piece, content);
      return undefined;
    }
    if (content.position !== this.#next) this.#dropHeld();
    this.#held.push(piece);
    this.#next = content.position + 1;
    return isContinuedLine(content.text) ? undefined : this.#keepHeld();
  }

  /** Called at the end: a group that is not complete is torn. */
  end(): void {
    if (this.#heldGarbage > 0) this.#dropHeld();
    for (const { bytes } of this.#held.splice(0)) this.#tornBytes += bytes;
  }

  /** What was lost, as lines of text. */
  *losses(): Generator<string, void> {
    yield* this.#leftOut.report();
    if (!this.#missing.isEmpty) yield this.#missing.report();
  }

  /** Other remarks, as lines of text. */
  *notes(): Generator<string, void> {
    if (this.#renumbered > 0) yield `gave new positions to ${counted(this.#renumbered, 'entry')}`;
    if (this.#tornBytes > 0) yield `left out a torn end of ${counted(this.#tornBytes, 'byte')}`;
  }

  async #keepHeld(): Promise<void> {
    const lines: JournalLine[] = [];
    const [begin] = this.#held as [Piece];
    for (const piece of this.#held.splice(0)) {
      if (typeof piece.content === 'string') this.#drop(piece, piece.content);
      else lines.push(piece.content);
    }
    this.#heldGarbage = 0;
    const [{ position: first }] = lines as [JournalLine];
    const next = this.#last + 1;
    // Each line that was left out accounts for one position.
    if (first < next || first > next + this.#gap)
      this.#onDamage(begin, `its position is ${first} where ${next} is next`);
    this.#gap = 0;
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
    if (this.#heldGarbage === MAX_HELD_GARBAGE) this.#dropHeld();
    if (this.#held.length > 0) {
      // The group may continue after it.
      this.#held.push(piece);
      this.#heldGarbage++;
    } else this.#drop(piece, reason);
  }

  #drop(piece: Piece, reason: string): void {
    this.#gap++;
    this.#leftOut.add(piece, reason);
    this.#onDamage(piece, reason);
  }

  #dropHeld(): void {
    for (const piece of this.#held.splice(0))
      this.#drop(piece, typeof piece.content === 'string' ? piece.content : 'its group is not whole');
    this.#heldGarbage = 0;
    this.#next = this.#last + 1;
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
