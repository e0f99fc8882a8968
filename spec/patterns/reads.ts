import { tap } from 'rxjs';
import { InMemoryScrivener, JournalStream, type Position, type ReadOptions } from 'rx-scrivener';

/** A journal that says which positions are read from it, and counts what is pulled. */
export class SpiedScrivener<T> extends InMemoryScrivener<T> {
  readonly reads: Position[] = [];
  pulls = 0;
  returns = 0;

  override readBackward(before?: Position, options?: ReadOptions): JournalStream<T> {
    return this.#spied(super.readBackward(before, options));
  }

  override tail(after?: Position, options?: ReadOptions): JournalStream<T> {
    return this.#spied(super.tail(after, options));
  }

  #spied(stream: JournalStream<T>): JournalStream<T> {
    return new JournalStream<T>(
      (subscriber) => stream.pipe(tap(({ position }) => this.reads.push(position))).subscribe(subscriber),
      () => {
        const iterator = stream[Symbol.asyncIterator]();
        return {
          next: async () => {
            this.pulls++;
            return iterator.next();
          },
          return: async () => {
            this.returns++;
            return iterator.return!();
          },
        };
      },
    );
  }
}
