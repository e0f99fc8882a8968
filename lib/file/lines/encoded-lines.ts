import { Queue } from '../../journal/queue';

/** Lines, each with its newline. */
export interface Chunk {
  readonly bytes: Uint8Array;
  readonly lines: number;
}

const NEWLINE = 10;
/** So many lines, or characters, are encoded at once: as many as cost a garbage collector little while they wait for it. */
const CHUNK_LINES = 256;
const CHUNK_LENGTH = 1024 * 1024;

/**
 * Lines that wait to be written, first in, first out, as bytes: strings that die young cost a garbage collector nothing, and those that wait
 * for their batch cost it more than everything else that a write does.
 */
export class EncodedLines {
  #chunks = new Queue<Chunk>();
  /** What is left of the oldest chunk. */
  #oldest: Chunk | undefined;
  /** What is not encoded yet. */
  #text = '';
  #lines = 0;

  /** Adds a line, which has no newline in it. */
  push(line: string): void {
    this.#text += line + '\n';
    this.#lines++;
    if (this.#lines === CHUNK_LINES || this.#text.length >= CHUNK_LENGTH) this.#encode();
  }

  /** Takes the oldest `count` lines, which are there. */
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

  /** Gives back what was taken last: it is taken again next. */
  giveBack(taken: readonly Chunk[]): void {
    const waiting = this.all();
    this.#oldest = undefined;
    this.#chunks = new Queue();
    for (const chunk of [...taken, ...waiting]) this.#chunks.push(chunk);
  }

  /** All that wait, in order; they continue to wait. */
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

/** Chunks without their first so many lines. */
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
