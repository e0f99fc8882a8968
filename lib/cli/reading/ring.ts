/** The last values of any number of them. */
export class Ring<V> {
  readonly #capacity: number;
  readonly #values: V[] = [];
  /** Where the oldest is, once it is full. */
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
