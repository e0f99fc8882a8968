import { isAscii } from 'node:buffer';

/** Gives stretches of UTF-8 as text: slices of one string where all of it is ASCII, in which an index is the same in both. */
export class BlockText {
  readonly #bytes: Buffer;
  /** `undefined` until the first stretch is asked for, `null` where not all is ASCII. */
  #ascii: string | null | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  slice(from: number, end: number): string {
    if (this.#ascii === undefined) this.#ascii = isAscii(this.#bytes) ? this.#bytes.toString('latin1') : null;
    return this.#ascii?.slice(from, end) ?? this.#bytes.toString('utf8', from, end);
  }
}
