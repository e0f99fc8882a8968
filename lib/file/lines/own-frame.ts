import { HEAD, NECK } from '../../flush/json-entry-serializer';
import type { Position } from '../../journal/position';

const ZERO = 0x30;
const BRACE = 0x7d;
const COLON = 0x3a;

/** Four characters per word: comparing words is twice as fast as comparing bytes. */
const HEAD_WORDS = words(HEAD);
const [NECK_WORD, NECK_WORD_2] = words(NECK) as [number, number];

/** Checks lines as bytes, without parsing. */
export class OwnFrame {
  /** Where the entry of the last checked line begins. */
  entryAt = 0;
  readonly #bytes: Buffer;
  readonly #view: DataView;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Whether the bytes from one index to before another have the layout of the journal's own serializer, with this position. */
  isOf(position: Position, from: number, end: number): boolean {
    const bytes = this.#bytes;
    const view = this.#view;
    let at = from + HEAD.length;
    if (end - at < NECK.length + 2 || bytes[end - 1] !== BRACE || bytes[at] === ZERO) return false;
    for (let i = 0; i < HEAD_WORDS.length; i++) {
      if (view.getInt32(from + 4 * i, true) !== HEAD_WORDS[i]) return false;
    }
    let found = 0;
    for (let digit = bytes[at]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[++at]! - ZERO)
      found = found * 10 + digit;
    this.entryAt = at + NECK.length;
    return (
      found === position &&
      end - at > NECK.length &&
      view.getInt32(at, true) === NECK_WORD &&
      view.getInt32(at + 4, true) === NECK_WORD_2 &&
      bytes[at + 8] === COLON
    );
  }
}

function words(text: string): number[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => bytes.readInt32LE(4 * index));
}
