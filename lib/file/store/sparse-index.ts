import type { Position } from '../../journal/position';

/** Where a line begins: the byte, and the position of its entry. */
export interface Place {
  readonly position: Position;
  readonly byteOffset: number;
}

/** The distance between noted places, each of which takes 16 bytes of memory. */
const STRIDE_BYTES = 64 * 1024;

/** Where in a file some of its lines begin, so that reading can start close to any position. */
export class SparseIndex {
  readonly #positions: Position[] = [];
  readonly #byteOffsets: number[] = [];
  #next = 0;

  /** Notes where the line of a position begins, if that is far enough after the last note; called in order. */
  note(position: Position, byteOffset: number): void {
    if (byteOffset < this.#next) return;
    this.#positions.push(position);
    this.#byteOffsets.push(byteOffset);
    this.#next = byteOffset + STRIDE_BYTES;
  }

  /** Forgets the places from an offset on, at which the file was cut. */
  cut(byteOffset: number): void {
    while ((this.#byteOffsets.at(-1) ?? -1) >= byteOffset) {
      this.#positions.pop();
      this.#byteOffsets.pop();
    }
    const last = this.#byteOffsets.at(-1);
    this.#next = last === undefined ? 0 : last + STRIDE_BYTES;
  }

  /** The byte offset of the first noted place that is at least `bytes` after the range of a position begins; `undefined` if there is none. */
  beyond(position: Position, bytes: number): number | undefined {
    const from = this.around(position)?.from.byteOffset ?? 0;
    return this.#byteOffsets.find((byteOffset) => byteOffset >= from + bytes);
  }

  /** A range of lines that contains a position's: where it begins, and where it ends, if that is noted. */
  around(position: Position, minBytes = 0): { readonly from: Place; readonly end: number | undefined } | undefined {
    let low = 0;
    let high = this.#positions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#positions[middle]! <= position) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return undefined;
    const end = this.#byteOffsets[low];
    let begin = low - 1;
    while (begin > 0 && this.#byteOffsets[low - 1]! - this.#byteOffsets[begin]! < minBytes) begin--;
    return { from: { position: this.#positions[begin]!, byteOffset: this.#byteOffsets[begin]! }, end };
  }
}
