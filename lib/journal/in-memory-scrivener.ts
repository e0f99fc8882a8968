import type { Observable, Observer } from 'rxjs';
import { assertCount, assertMethods, assertOptions } from '../errors/assert-argument';
import { toLine, type EntrySerializer } from '../flush/entry-serializer';
import { forwardAbort } from './abort';
import { assertReadOptions, assertTailOptions } from './assert-options';
import { assertWritable } from './assert-writable';
import { atHead } from './at-head';
import { BackwardCursor, push, TailCursor } from './cursor';
import { firstMatch } from './first-match';
import { flushedTail } from './flushed-tail';
import { headOf } from './head-of';
import { JournalStream } from './journal-stream';
import { Log, type LiveReader } from './log';
import { assertPosition, END, type Position, type Positioned } from './position';
import { PullIterator } from './pull-iterator';
import { matching, tailFrom } from './read-from';
import type {
  GroupWriter,
  Narrowing,
  ReadOptions,
  Scrivener,
  TailOptions,
  WaitOptions,
  WriteOptions,
} from './scrivener';
import { TailSubscriber } from './tail-subscriber';

/** How a journal is kept in memory. */
export interface InMemoryOptions<T> {
  /** Keep only this many of the newest entries, an integer >= 1; reading further back errors with {@link PositionTrimmedError}. @default Infinity */
  readonly retain?: number;
  /** Serialize each entry and read it back, so that the journal refuses and changes what a file would. Default: entries are kept unchanged. */
  readonly serializer?: EntrySerializer<T>;
}

const OPTIONS: Record<keyof InMemoryOptions<never>, true> = { retain: true, serializer: true };

/**
 * A journal in memory, and an `Observer`, so that any Observable, RxJS's or the platform's, can be journaled: `source$.subscribe(scrivener)`.
 *
 * Like a `ReplaySubject`, it replays and then continues live. Unlike one, every subscription is a cursor into one log, so a tail
 * costs the same wherever it starts, and re-entrant writes keep every subscriber's order.
 *
 * @example
 * ```ts
 * const scrivener = new InMemoryScrivener<{ type: 'Said'; text: string }>();
 * scrivener.tail().subscribe(({ position, entry }) => console.log(position, entry.text));
 * await scrivener.write({ type: 'Said', text: 'hello' }); // 1
 * ```
 */
export class InMemoryScrivener<in out T> implements Scrivener<T>, GroupWriter<T>, Observer<T> {
  readonly #log: Log<T>;
  readonly #serializer: EntrySerializer<T> | undefined;

  /** @throws RangeError for an invalid `retain`, TypeError for other invalid options */
  constructor(options: InMemoryOptions<T> = {}) {
    assertOptions('InMemoryScrivener', options, OPTIONS);
    const { retain = Infinity, serializer } = options;
    if (serializer !== undefined) assertMethods('serializer', serializer, ['serialize', 'deserialize']);
    this.#serializer = serializer;
    assertCount('retain', retain, ' or Infinity');
    this.#log = new Log(retain);
    // A browser's Observable calls an observer's methods without the observer.
    this.next = this.next.bind(this);
    this.error = this.error.bind(this);
    this.complete = this.complete.bind(this);
  }

  /** The last position assigned; {@link START} if the journal is empty. */
  get head(): Position {
    return this.#log.head;
  }

  /** The oldest position kept; `head + 1` if none is kept. */
  get first(): Position {
    return this.#log.first;
  }

  /** `head`, then each further position, in order; ends as the journal does. */
  get head$(): Observable<Position> {
    return headOf(this);
  }

  /** Whether any reader waits at the journal's end, like `Subject.observed`. */
  get observed(): boolean {
    return this.#log.observed;
  }

  /**
   * Writes synchronously: returns the entry's position after every live subscriber has received it.
   * Called from inside a subscriber, it returns before that: the record being delivered reaches everyone first.
   *
   * @throws {@link JournalClosedError} if the journal has ended
   */
  append(entry: T): Position {
    return this.#log.append(this.#serializer ? this.#serialized([entry])[0]! : entry);
  }

  /** {@link InMemoryScrivener.append} as an observer; ignored if the journal has ended, as by any RxJS Subject. */
  next(entry: T): void {
    if (this.#log.end === undefined) this.append(entry);
  }

  /** Ends the journal with an error; tails emit it after the last entry. */
  error(reason: unknown): void {
    this.#log.close({ failed: true, error: reason });
  }

  /** Ends the journal: tails complete after the last entry. */
  complete(): void {
    this.#log.close({ failed: false });
  }

  async write(entry: T, options?: WriteOptions): Promise<Position> {
    if (options !== undefined) this.#assertWritable(options);
    return this.append(entry);
  }

  async writeAll(entries: Iterable<T>, options: WriteOptions = {}): Promise<Position[]> {
    const group = this.#serialized([...entries]);
    this.#assertWritable(options);
    return this.#log.appendAll(group);
  }

  tail<U extends T>(after: Position | 'oldest' | undefined, options: Narrowing<TailOptions, T, U>): JournalStream<U>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T>;
  tail(after?: Position | 'oldest', options: TailOptions<T> = {}): JournalStream<T> {
    assertTailOptions(options);
    const { match, signal, caughtUp, flushed } = options;
    const log = this.#log;
    const stream = tailFrom(
      after,
      match,
      (from) =>
        new JournalStream(
          (subscriber) => {
            forwardAbort(signal, subscriber);
            new TailSubscriber(new TailCursor(log, from, caughtUp), subscriber).start();
          },
          () => {
            let reader: LiveReader<T>;
            return new PullIterator(new TailCursor(log, from, caughtUp), signal, {
              join: (pull) => log.join((reader = { take: pull, end: pull })),
              leave: () => log.leave(reader),
            });
          },
        ),
    );
    return flushed ? flushedTail(this, stream, signal) : stream;
  }

  readBackward<U extends T>(before: Position | undefined, options: Narrowing<ReadOptions, T, U>): JournalStream<U>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T>;
  readBackward(before: Position = END, options: ReadOptions<T> = {}): JournalStream<T> {
    assertPosition('before', before);
    assertReadOptions(options);
    const { match, signal } = options;
    const log = this.#log;
    return matching(
      new JournalStream(
        (subscriber) => {
          forwardAbort(signal, subscriber);
          push(new BackwardCursor(log, before), subscriber);
        },
        () => new PullIterator(new BackwardCursor(log, before), signal),
      ),
      match,
    );
  }

  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>> {
    return firstMatch(this, after, match, options);
  }

  /** The entries as a file would return them. */
  #serialized(entries: readonly T[]): readonly T[] {
    const serializer = this.#serializer;
    if (!serializer) return entries;
    this.#log.assertOpen();
    return atHead(this, (head) =>
      entries.map((entry, index) => {
        const line = toLine(serializer, { position: head + 1 + index, entry });
        return serializer.deserialize(line).entry;
      }),
    );
  }

  #assertWritable(options: WriteOptions): void {
    this.#log.assertOpen();
    assertWritable(options, this.head);
  }
}
