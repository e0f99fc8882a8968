/** So many characters are written in one turn of the event loop. */
const TURN_LENGTH = 1024 * 1024;

/** Has who awaits each write let the event loop turn now and then: a loop of them alone would keep the file from being written until it ends. */
export class Turns {
  #length = 0;

  /** Counts a line that was written. */
  note(line: string): void {
    this.#length += line.length;
  }

  /** What a write resolves with: the value, after the next turn when one is due. */
  settle<R>(value: R): R | Promise<R> {
    if (this.#length < TURN_LENGTH) return value;
    this.#length = 0;
    return new Promise((resolve) => void setImmediate(resolve, value));
  }
}
