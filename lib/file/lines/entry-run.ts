import { isAscii } from 'node:buffer';

/** At most this much is parsed at once: more would not stay in a processor's cache. */
const RUN_BYTES = 64 * 1024;
const BRACKET = 0x5b;
const COMMA = 0x2c;
const END_BRACKET = 0x5d;

/** Shared by all runs: each is filled and parsed before any other code can run. */
const scratch = Buffer.allocUnsafe(RUN_BYTES);

/** The entries of lines that follow each other, parsed together as one array: that costs less than one by one. */
export class EntryRun {
  /** Where their lines begin, their entries, and their lines end, in the block. */
  readonly from: number[] = [];
  readonly entryAt: number[] = [];
  readonly end: number[] = [];
  #filled = 0;

  get length(): number {
    return this.from.length;
  }

  /** Adds the line between two indices of a block, the newline excluded; returns whether there was room. */
  add(bytes: Buffer, from: number, entryAt: number, end: number): boolean {
    const length = end - 1 - entryAt;
    if (this.#filled + length + 2 > RUN_BYTES) return false;
    scratch[this.#filled] = this.#filled === 0 ? BRACKET : COMMA;
    bytes.copy(scratch, this.#filled + 1, entryAt, end - 1);
    this.#filled += length + 1;
    this.from.push(from);
    this.entryAt.push(entryAt);
    this.end.push(end);
    return true;
  }

  /**
   * The entries, in order; `undefined` where one of them is not the JSON of a value. Two damaged lines could make up for each other, one of them with
   * a comma too many, another that is continued in the next: no accident does that.
   */
  parse(): readonly unknown[] | undefined {
    scratch[this.#filled] = END_BRACKET;
    const json = scratch.subarray(0, this.#filled + 1);
    try {
      const entries = JSON.parse(json.toString(isAscii(json) ? 'latin1' : 'utf8')) as unknown[];
      return entries.length === this.length ? entries : undefined;
    } catch {
      return undefined;
    }
  }

  clear(): void {
    this.from.length = this.entryAt.length = this.end.length = this.#filled = 0;
  }
}
