import type { JournalStream } from './journal-stream';
import type { Position, Positioned } from './position';

/**
 * Writes and reads one journal: an append-only log of entries at positions 1, 2, 3, …
 *
 * `write` is declared as a property, so that TypeScript does not accept a scrivener of other entries; implement it as a method.
 *
 * Every backend follows this contract, and the suite in `rx-scrivener/testing` checks it. Entries written by one caller, one
 * call after the other, get positions in the order of the calls. A written entry belongs to the journal: treat it as immutable.
 */
export interface Scrivener<in out T> {
  /**
   * Appends an entry and resolves with the position it took.
   *
   * Rejects, with nothing appended, with {@link JournalClosedError} if the journal has ended, {@link PositionConflictError}
   * if `expect` is not met, with the signal's reason if it was aborted before the append, and with `RangeError` if `expect` is not a position.
   *
   * @example
   * ```ts
   * const position = await scrivener.write({ type: 'Said', text: 'hello' });
   * ```
   */
  readonly write: (entry: T, options?: WriteOptions) => Promise<Position>;

  /**
   * Every entry after the position `after`: first those the journal holds, then new ones as they are written, each once and in order.
   *
   * Completes when the journal does (`tail(END)` immediately). Errors when the journal does, with the reason of an aborted `signal`, and with
   * {@link PositionTrimmedError} if the next position was dropped. Iterated, it pulls: a slow reader holds a cursor, never a queue.
   *
   * @param after - exclusive; default {@link START}; `'oldest'` starts at the oldest entry kept, whatever was dropped before it
   * @throws RangeError when `after` is neither a safe integer >= 0 nor `'oldest'`, TypeError when `match` is no function
   * @example
   * ```ts
   * scrivener.tail(7, { caughtUp: () => hideSpinner() }).subscribe(({ position, entry }) => show(position, entry));
   * for await (const { entry } of scrivener.tail(7, { match: isType('Said') })) await handle(entry.text);
   * ```
   */
  tail<U extends T>(after: Position | 'oldest' | undefined, options: Narrowing<TailOptions, T, U>): JournalStream<U>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T>;

  /**
   * Every entry before the position `before` that the journal holds at the moment of subscription, newest first; then completes.
   *
   * Errors with {@link PositionTrimmedError} only if it is read past the oldest entry kept, and with the reason of an aborted `signal`.
   *
   * @param before - exclusive; default {@link END}
   * @throws RangeError when `before` is no safe integer >= 0, TypeError when `match` is no function
   * @example
   * ```ts
   * scrivener.readBackward().pipe(take(10)).subscribe(show); // the last ten, newest first
   * ```
   */
  readBackward<U extends T>(before: Position | undefined, options: Narrowing<ReadOptions, T, U>): JournalStream<U>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T>;

  /**
   * Resolves with the first entry after `after` that matches; a type guard narrows its type.
   *
   * Rejects with RxJS's `TimeoutError` after `timeout`, the signal's reason on abort, {@link JournalClosedError} when the journal
   * ends first, what `match` throws, and `RangeError` if `after` is not a position or is {@link END}. Leaves nothing subscribed.
   *
   * @example
   * ```ts
   * const { position, entry } = await scrivener.waitFor(asked, isType('Answered'), { timeout: 5_000 });
   * ```
   */
  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
}

/** Writes several entries as one, where a backend can. */
export interface GroupWriter<in T> {
  /**
   * Appends entries at consecutive positions and resolves with the positions. Appends all entries or, rejecting as `write` does, none.
   *
   * No reader sees only a part of the group, and no flusher cuts inside it. `expect` and `signal` apply to the whole group.
   *
   * @example
   * ```ts
   * const [order, payment] = await scrivener.writeAll([{ type: 'Ordered', id }, { type: 'Paid', id }]);
   * ```
   */
  readonly writeAll: (entries: Iterable<T>, options?: WriteOptions) => Promise<Position[]>;
}

/** How an entry is written. */
export interface WriteOptions {
  /** Compare-and-append: append only if the journal's last position is still this one. */
  readonly expect?: Position;
  /** If it is aborted before the append, nothing is appended. Later it has no effect. */
  readonly signal?: AbortSignal;
}

/** How long to wait. */
export interface WaitOptions {
  /** In milliseconds, 0 to 2^31-1; `Infinity` waits indefinitely. @default Infinity */
  readonly timeout?: number;
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How a tail is read. */
export interface TailOptions<T = never> extends ReadOptions<T> {
  /**
   * Called once for each subscription or iteration, when replay ends and live delivery begins: after the last entry that the journal held, before it waits
   * or completes; `position` is the journal's last position at that moment. What it throws errors the stream. The name is KurrentDB's for
   * the same signal.
   */
  readonly caughtUp?: (position: Position) => void;
  /** Only entries that the journal has flushed, which survive a crash. In a journal without a flusher, every entry counts as flushed. @default false */
  readonly flushed?: boolean;
}

/** How entries are read. */
export interface ReadOptions<T = never> {
  /** Errors the stream with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Only entries that match; a type guard narrows the stream. Entries are still pulled one at a time. What it throws errors the stream. */
  match?(this: void, entry: T): boolean;
}

/** The same options with a type guard, which narrows the stream. */
export type Narrowing<O extends ReadOptions, T, U extends T> = Omit<O, 'match'> & {
  readonly match: (entry: T) => entry is U;
};
