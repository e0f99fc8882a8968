import { Queue } from '../journal/queue';

/** Lines, each with its newline. */
export interface Chunk {
  readonly bytes: Buffer;
  readonly lines: number;
}

const NEWLINE = 10;
/** So many lines, or characters, are encoded at once. */
const CHUNK_LINES = 64;
const CHUNK_LENGTH = 1024 * 1024;
/** Chunks share buffers of this size, or twice the one before: a buffer for each would cost more than filling it does. */
const MIN_BUFFER_BYTES = 64 * 1024;
const MAX_BUFFER_BYTES = 1024 * 1024;
/** A character takes at most so many bytes of UTF-8. */
const MAX_BYTES = 3;

const EMPTY = Buffer.alloc(0);

/**
 * Lines that wait to be written, first in, first out, as bytes: strings that die young cost a garbage collector nothing, and those that wait
 * for their batch cost it more than everything else that a write does.
 */
export class EncodedLines {
  readonly #chunks = new Queue<Chunk>();
  /** What is left of the oldest chunk. */
  #oldest: Chunk | undefined;
  #lines: string[] = [];
  #length = 0;
  /** What chunks are written to, and where it is free. */
  #buffer: Buffer = EMPTY;
  #used = 0;

  /** Adds a line, which has no newline in it. */
  push(line: string): void {
    this.#lines.push(line);
    this.#length += line.length;
    if (this.#lines.length === CHUNK_LINES || this.#length >= CHUNK_LENGTH) this.#encode();
  }

  /** Takes the oldest `count` lines, which are there. */
  take(count: number): Chunk[] {
    this.#encode();
    const taken: Chunk[] = [];
    while (count > 0) {
      const { bytes, lines } = (this.#oldest ?? this.#chunks.shift())!;
      const wanted = Math.min(lines, count);
      const end = wanted === lines ? bytes.length : behindLine(bytes, wanted);
      addTo(taken, { bytes: bytes.subarray(0, end), lines: wanted });
      this.#oldest = wanted === lines ? undefined : { bytes: bytes.subarray(end), lines: lines - wanted };
      count -= wanted;
    }
    if (this.#chunks.length === 0) this.#buffer = EMPTY;
    return taken;
  }

  clear(): void {
    this.#chunks.clear();
    this.#oldest = undefined;
    this.#lines = [];
    this.#length = 0;
    this.#buffer = EMPTY;
  }

  #encode(): void {
    if (this.#lines.length === 0) return;
    this.#chunks.push({ bytes: this.#toBytes(this.#lines.join('\n') + '\n'), lines: this.#lines.length });
    this.#lines = [];
    this.#length = 0;
  }

  #toBytes(text: string): Buffer {
    const needed = text.length * MAX_BYTES;
    if (needed > MAX_BUFFER_BYTES) return Buffer.from(text);
    if (needed > this.#buffer.length - this.#used) {
      const twice = Math.min(2 * this.#buffer.length, MAX_BUFFER_BYTES);
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(MIN_BUFFER_BYTES, twice, needed));
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += this.#buffer.write(text, from);
    return this.#buffer.subarray(from, this.#used);
  }
}

/** Adds a chunk, as one with the last where it follows that in the same buffer. */
function addTo(chunks: Chunk[], chunk: Chunk): void {
  const last = chunks.at(-1);
  const { buffer, byteOffset, length } = chunk.bytes;
  if (last?.bytes.buffer === buffer && last.bytes.byteOffset + last.bytes.length === byteOffset) {
    const bytes = Buffer.from(buffer, last.bytes.byteOffset, last.bytes.length + length);
    chunks[chunks.length - 1] = { bytes, lines: last.lines + chunk.lines };
  } else chunks.push(chunk);
}

function behindLine(bytes: Buffer, lines: number): number {
  let end = 0;
  for (; lines > 0; lines--) end = bytes.indexOf(NEWLINE, end) + 1;
  return end;
}
