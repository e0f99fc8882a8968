import type { Observable } from 'rxjs';
import { assertFunction, assertMethods } from '../errors/assert-argument';
import { INNER } from '../flush/flushing-of';
import { NotSupportedError } from '../errors/not-supported-error';
import type { JournalStream } from './journal-stream';
import type { Position, Positioned } from './position';
import type { Narrowing, ReadOptions, Scrivener, TailOptions, WaitOptions, WriteOptions } from './scrivener';

/**
 * Wraps a scrivener and changes how it writes; reads are passed through. For stamping, filtering, logging or routing entries.
 *
 * @example
 * ```ts
 * const stamped = new TappedScrivener(inner, (entry, inner, options) => inner.write({ ...entry, at: Date.now() }, options));
 * ```
 */
export class TappedScrivener<in out T> implements Scrivener<T> {
  readonly #inner: Scrivener<T>;
  readonly #write: (entry: T, inner: Scrivener<T>, options?: WriteOptions) => Promise<Position>;

  /** @param write - resolves with the position of the entry; what it throws rejects the write */
  constructor(
    inner: Scrivener<T>,
    write: (entry: T, inner: Scrivener<T>, options?: WriteOptions) => Promise<Position>,
  ) {
    assertMethods('inner', inner, ['write', 'tail']);
    assertFunction('write', write);
    this.#inner = inner;
    this.#write = write;
    Reflect.defineProperty(this, INNER, { value: inner }); // a computed member would keep bundlers from dropping the class
  }

  /**
   * The `head` of the inner scrivener, which every scrivener of this package has.
   *
   * @throws {@link NotSupportedError} if the inner one has none; so do `head$` and `first`
   */
  get head(): Position {
    return this.#end('head');
  }

  /** The `head$` of the inner scrivener: `head`, then each further position, in order. */
  get head$(): Observable<Position> {
    return this.#end('head$');
  }

  /** The `first` of the inner scrivener: the oldest position kept. */
  get first(): Position {
    return this.#end('first');
  }

  async write(entry: T, options?: WriteOptions): Promise<Position> {
    return this.#write(entry, this.#inner, options);
  }

  tail<U extends T>(after: Position | 'oldest' | undefined, options: Narrowing<TailOptions, T, U>): JournalStream<U>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T> {
    return this.#inner.tail(after, options);
  }

  readBackward<U extends T>(before: Position | undefined, options: Narrowing<ReadOptions, T, U>): JournalStream<U>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T> {
    return this.#inner.readBackward(before, options);
  }

  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>> {
    return this.#inner.waitFor(after, match, options);
  }

  #end<K extends keyof Ends>(name: K): Ends[K] {
    const value = (this.#inner as Partial<Ends>)[name];
    if (value === undefined) throw new NotSupportedError(`the inner scrivener has no \`${name}\``);
    return value;
  }
}

/** Where a journal begins and ends, if the scrivener knows. */
interface Ends {
  readonly first: Position;
  readonly head: Position;
  readonly head$: Observable<Position>;
}
