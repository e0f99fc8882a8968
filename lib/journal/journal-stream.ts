import { Observable, type Subscriber, type TeardownLogic } from 'rxjs';
import type { Positioned } from './position';

const BRAND = Symbol.for('rx-scrivener.stream');

/**
 * Entries of a journal, to subscribe to (pushed) or to iterate (pulled); cold, so every subscription and every iteration is a
 * cursor of its own over the log.
 *
 * Backends build theirs with the constructor: `subscribe` as for any `Observable`; `iterate` returns a new iterator whose `next`
 * continues reading and whose `return` releases it immediately, even while a `next` is pending.
 *
 * @example
 * ```ts
 * const stream = scrivener.tail();
 * stream.pipe(entries(), filter(isType('Said'))).subscribe(show);
 * for await (const { position, entry } of stream) await handle(entry);
 * ```
 */
export class JournalStream<T> extends Observable<Positioned<T>> implements AsyncIterable<Positioned<T>> {
  readonly #iterate: () => AsyncIterator<Positioned<T>>;

  /** True for the streams of every loaded copy of the package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  constructor(
    subscribe: (subscriber: Subscriber<Positioned<T>>) => TeardownLogic,
    iterate: () => AsyncIterator<Positioned<T>>,
  ) {
    super(subscribe);
    this.#iterate = iterate;
  }

  /** @internal Identifies the class across copies. */
  [BRAND](): void {}

  [Symbol.asyncIterator](): AsyncIterator<Positioned<T>> {
    return this.#iterate();
  }
}
