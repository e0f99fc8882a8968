/** First in, first out, in constant time: `Array.shift` moves all later elements, which is quadratic for a long backlog. */
export class Queue<V> {
  #values: (V | undefined)[] = [];
  #start = 0;

  get length(): number {
    return this.#values.length - this.#start;
  }

  /** The oldest value, without removing it; `undefined` if there is none. */
  peek(): V | undefined {
    return this.#values[this.#start];
  }

  /** All values in order, without removing them. */
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

  /** Removes and returns the oldest value; `undefined` if there is none. */
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
