/** How many characters are written in one turn of the event loop. */
const TURN_LENGTH = 1024 * 1024;

/** Makes a loop of awaited writes yield to the event loop now and then: otherwise the file would not be written until the loop ends. */
export class Turns {
  #length = 0;

  /** Counts a line that was written. */
  note(line: string): void {
    this.#length += line.length;
  }

  /** Resolves with the value, after the next turn of the event loop if one is due. */
  settle<R>(value: R): R | Promise<R> {
    if (this.#length < TURN_LENGTH) return value;
    this.#length = 0;
    return new Promise((resolve) => void setImmediate(resolve, value));
  }
}
