import type { Writable } from 'node:stream';
import { printable } from './wording';

const CHUNK_LENGTH = 64 * 1024;

/** Writes lines, many at once, as soon as there is nothing else to do: unchanged, or made printable for a terminal. */
export class LineWriter {
  readonly #stream: Writable;
  readonly #isTerminal: boolean;
  #text = '';
  #scheduled: NodeJS.Immediate | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    this.#isTerminal = (stream as Partial<NodeJS.WriteStream>).isTTY === true;
  }

  /** Adds a line. If it returns a promise, wait for it before the next line. */
  write(line: string): Promise<void> | undefined {
    this.#text += (this.#isTerminal ? printable(line) : line) + '\n';
    if (this.#text.length >= CHUNK_LENGTH) return this.flush();
    this.#scheduled ??= setImmediate(() => void this.flush());
    return undefined;
  }

  /** Resolves when the stream can take more. The stream reports its own errors. */
  async flush(): Promise<void> {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const text = this.#text;
    this.#text = '';
    if (text === '' || this.#stream.write(text)) return;
    await new Promise<void>((resolve) => this.#stream.once('drain', resolve));
  }
}
