import { isAscii } from 'node:buffer';

/** Returns ranges of UTF-8 bytes as text: slices of one string if the whole block is ASCII, where byte and character indexes agree. */
export class BlockText {
  readonly #bytes: Buffer;
  /** `undefined` until the first range is requested, `null` if not all of it is ASCII. */
  #ascii: string | null | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  slice(from: number, end: number): string {
    if (this.#ascii === undefined) this.#ascii = isAscii(this.#bytes) ? this.#bytes.toString('latin1') : null;
    return this.#ascii?.slice(from, end) ?? this.#bytes.toString('utf8', from, end);
  }
}
