/** The most lines, and about the most bytes, between two marks. */
const LINES = 256;
const BYTES = 64 * 1024;
const NEWLINE = 10;

/** Where some of a file's lines begin, so that finding a line costs the same in a file of any size. */
export class LineMarks {
  readonly #lines = [1];
  readonly #bytes = [0];
  /** How many newlines there are. */
  #ended = 0;
  /** Where the last line begins, which may have no newline yet. */
  #start = 0;
  #size = 0;

  get sizeBytes(): number {
    return this.#size;
  }

  /** How many lines there are, including one without a newline at the end. */
  get lines(): number {
    return this.#ended + (this.#size > this.#start ? 1 : 0);
  }

  /** The file's next bytes. */
  add(bytes: Buffer): void {
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
      this.#ended++;
      this.#start = this.#size + at + 1;
      if (this.#ended + 1 - this.#lines.at(-1)! < LINES && this.#start - this.#bytes.at(-1)! < BYTES) continue;
      this.#lines.push(this.#ended + 1);
      this.#bytes.push(this.#start);
    }
    this.#size += bytes.length;
  }

  /** The last mark at a line or before it. */
  before(line: number): { readonly line: number; readonly byteOffset: number } {
    let low = 0;
    let high = this.#lines.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#lines[middle]! <= line) low = middle;
      else high = middle - 1;
    }
    return { line: this.#lines[low]!, byteOffset: this.#bytes[low]! };
  }
}
