import type { Writable } from 'node:stream';
import { printable } from './wording';

const CHUNK_LENGTH = 64 * 1024;

/** Writes lines, many at once, no later than when there is nothing else to do: as they are, and printable at a terminal. */
export class LineWriter {
  readonly #stream: Writable;
  readonly #isTerminal: boolean;
  #text = '';
  #scheduled: NodeJS.Immediate | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    this.#isTerminal = (stream as Partial<NodeJS.WriteStream>).isTTY === true;
  }

  /** Adds a line; returns a promise when the next one had better wait for it. */
  write(line: string): Promise<void> | undefined {
    this.#text += (this.#isTerminal ? printable(line) : line) + '\n';
    if (this.#text.length >= CHUNK_LENGTH) return this.flush();
    this.#scheduled ??= setImmediate(() => void this.flush());
    return undefined;
  }

  /** Resolves once the stream takes more. What it fails with, it fails with itself. */
  async flush(): Promise<void> {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const text = this.#text;
    this.#text = '';
    if (text === '' || this.#stream.write(text)) return;
    await new Promise<void>((resolve) => this.#stream.once('drain', resolve));
  }
}
