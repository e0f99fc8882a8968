/** Keeps the last values of a sequence. */
export class Ring<V> {
  readonly #capacity: number;
  readonly #values: V[] = [];
  /** The index of the oldest value, when the ring is full. */
  #oldest = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  push(value: V): void {
    if (this.#values.length < this.#capacity) {
      this.#values.push(value);
    } else if (this.#capacity > 0) {
      this.#values[this.#oldest] = value;
      this.#oldest = (this.#oldest + 1) % this.#capacity;
    }
  }

  /** Oldest first. */
  *[Symbol.iterator](): Generator<V, void> {
    for (let i = 0; i < this.#values.length; i++) yield this.#values[(this.#oldest + i) % this.#values.length]!;
  }
}
