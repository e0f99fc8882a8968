import type { Position } from '../journal/position';
import { deepEqual, equal, rejection } from './assertions';
import { adds, type Awaits, type ConformanceRecord } from './watch';

/** Iterates a stream step by step. */
export class Iteration {
  readonly #awaits: Awaits;
  readonly #iterator: AsyncIterator<ConformanceRecord>;

  constructor(awaits: Awaits, stream: AsyncIterable<ConformanceRecord>) {
    this.#awaits = awaits;
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  next(): Promise<IteratorResult<ConformanceRecord>> {
    return this.#awaits('a `next` of an iterator', this.#iterator.next());
  }

  /** What `break` calls; an iterator over a journal has something to release, so it has to be there. */
  async return(): Promise<void> {
    equal(typeof this.#iterator.return, 'function', 'The `return` of an iterator');
    const { done } = await this.#awaits('the `return` of an iterator', this.#iterator.return!());
    equal(done, true, 'What the `return` of an iterator gave');
  }

  /** Steps through the records {@link adds | from one position to another}. */
  async reads(from: Position, to: Position): Promise<void> {
    for (const expected of adds(from, to)) this.gave(await this.next(), expected);
  }

  /** Checks one step. */
  gave(result: IteratorResult<ConformanceRecord>, expected: ConformanceRecord): void {
    deepEqual(
      { done: result.done === true, value: result.value as unknown },
      { done: false, value: expected },
      'What an iterator gave',
    );
  }

  /** Steps once more, and there is nothing more. */
  async isDone(): Promise<void> {
    equal((await this.next()).done, true, '`done` of an iterator at its end');
  }

  /** What the next step rejects with. */
  rejection(): Promise<unknown> {
    return rejection(() => this.next(), 'A `next` of an iterator');
  }
}
