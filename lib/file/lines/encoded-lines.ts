import { Queue } from '../../journal/queue';

/** Lines, each with its newline. */
export interface Chunk {
  readonly bytes: Uint8Array;
  readonly lines: number;
}

const NEWLINE = 10;
/** How many lines, or characters, are encoded at once: few enough that the waiting strings cost the garbage collector little. */
const CHUNK_LINES = 256;
const CHUNK_LENGTH = 1024 * 1024;

/**
 * Lines that wait to be written, first in, first out, as bytes. Strings that die young cost the garbage collector nothing; strings that wait
 * for their batch cost it more than the rest of a write.
 */
export class EncodedLines {
  #chunks = new Queue<Chunk>();
  /** The rest of the oldest chunk. */
  #oldest: Chunk | undefined;
  /** The lines that are not encoded yet. */
  #text = '';
  #lines = 0;

  /** Adds a line, without a newline. */
  push(line: string): void {
    this.#text += line + '\n';
    this.#lines++;
    if (this.#lines === CHUNK_LINES || this.#text.length >= CHUNK_LENGTH) this.#encode();
  }

  /** Takes the oldest `count` lines, which must exist. */
  take(count: number): Chunk[] {
    this.#encode();
    const taken: Chunk[] = [];
    while (count > 0) {
      const { bytes, lines } = (this.#oldest ?? this.#chunks.shift())!;
      const lineCount = Math.min(lines, count);
      const end = lineCount === lines ? bytes.length : afterLines(bytes, lineCount);
      taken.push({ bytes: bytes.subarray(0, end), lines: lineCount });
      this.#oldest = lineCount === lines ? undefined : { bytes: bytes.subarray(end), lines: lines - lineCount };
      count -= lineCount;
    }
    return taken;
  }

  /** Puts back what was taken last; it is taken again next. */
  giveBack(taken: readonly Chunk[]): void {
    const waiting = this.all();
    this.#oldest = undefined;
    this.#chunks = new Queue();
    for (const chunk of [...taken, ...waiting]) this.#chunks.push(chunk);
  }

  /** All waiting lines, in order, without taking them. */
  all(): Chunk[] {
    this.#encode();
    return [...(this.#oldest ? [this.#oldest] : []), ...this.#chunks.all()];
  }

  #encode(): void {
    if (this.#lines === 0) return;
    this.#chunks.push({ bytes: Buffer.from(this.#text), lines: this.#lines });
    this.#text = '';
    this.#lines = 0;
  }
}

export function countLines(chunks: readonly Chunk[]): number {
  return chunks.reduce((count, { lines }) => count + lines, 0);
}

/** Chunks without their first `count` lines. */
export function withoutLines(chunks: readonly Chunk[], count: number): Chunk[] {
  const left: Chunk[] = [];
  for (const { bytes, lines } of chunks) {
    const dropped = Math.min(count, lines);
    count -= dropped;
    if (dropped < lines) left.push({ bytes: bytes.subarray(afterLines(bytes, dropped)), lines: lines - dropped });
  }
  return left;
}

function afterLines(bytes: Uint8Array, lines: number): number {
  let end = 0;
  for (; lines > 0; lines--) end = bytes.indexOf(NEWLINE, end) + 1;
  return end;
}
