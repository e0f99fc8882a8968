import { concat, defer, takeWhile, throwError } from 'rxjs';
import {
  InMemoryScrivener,
  JournalStream,
  PositionTrimmedError,
  START,
  toAsyncIterable,
  type Position,
  type ReadOptions,
  type TailOptions,
} from 'rx-scrivener';

/** A journal that can lose all that it holds, as a JetStream stream does by `max_age` or a purge: it goes on behind its head. */
export class PurgedScrivener<T> extends InMemoryScrivener<T> {
  #first: Position = START + 1;

  purge(): void {
    this.#first = this.head + 1;
  }

  override tail(after: Position = START, options?: TailOptions): JournalStream<T> {
    const stream = super.tail(after, options);
    return after + 1 >= this.#first ? stream : failing(new PositionTrimmedError(after + 1, this.#first));
  }

  override readBackward(before?: Position, options?: ReadOptions): JournalStream<T> {
    const read = defer(() => {
      const first = this.#first;
      if (first === START + 1) return super.readBackward(before, options);
      const newest = Math.min(before ?? Infinity, this.head + 1) - 1;
      if (newest === START) return [];
      const kept = super.readBackward(before, options).pipe(takeWhile(({ position }) => position >= first));
      return concat(
        kept,
        throwError(() => new PositionTrimmedError(Math.min(newest, first - 1), first)),
      );
    });
    return new JournalStream(
      (subscriber) => read.subscribe(subscriber),
      () => toAsyncIterable(read)[Symbol.asyncIterator](),
    );
  }
}

function failing<T>(error: unknown): JournalStream<T> {
  const failed = throwError(() => error);
  return new JournalStream(
    (subscriber) => failed.subscribe(subscriber),
    () => toAsyncIterable<never>(failed)[Symbol.asyncIterator](),
  );
}
