/** First in, first out, in constant time: `Array.shift` moves everything after it, which is quadratic over a long backlog. */
export class Queue<V> {
  #values: (V | undefined)[] = [];
  #start = 0;

  get length(): number {
    return this.#values.length - this.#start;
  }

  /** The oldest value, which stays; `undefined` when there is none. */
  peek(): V | undefined {
    return this.#values[this.#start];
  }

  /** All of them, in order; they stay. */
  all(): V[] {
    return this.#values.slice(this.#start) as V[];
  }

  push(value: V): void {
    this.#values.push(value);
  }

  /** Puts a value before the oldest. */
  unshift(value: V): void {
    this.#values.splice(this.#start, 0, value);
  }

  /** Takes the oldest value; `undefined` when there is none. */
  shift(): V | undefined {
    if (this.length === 0) return undefined;
    const value = this.#values[this.#start];
    this.#values[this.#start++] = undefined;
    this.#compact();
    return value;
  }

  clear(): void {
    this.#values = [];
    this.#start = 0;
  }

  #compact(): void {
    if (this.#start * 2 <= this.#values.length) return;
    this.#values = this.#values.slice(this.#start);
    this.#start = 0;
  }
}
