import type { Observable } from 'rxjs';
import { NotSupportedError } from '../errors/not-supported-error';
import { headOf } from '../journal/head-of';
import type { JournalStream } from '../journal/journal-stream';
import { START, type Position, type Positioned } from '../journal/position';
import type { Narrowing, ReadOptions, Scrivener, TailOptions, WaitOptions } from '../journal/scrivener';

/** What {@link openFileReader} puts a reader together from. */
export interface FileReaderParts<T> {
  readonly reads: Pick<Scrivener<T>, 'tail' | 'readBackward' | 'waitFor'>;
  readonly head: () => Position;
  /** The oldest position kept, as far as is known. */
  readonly first: () => Position;
  /** Has the following end; resolves once it has. */
  readonly leave: () => Promise<void>;
}

/**
 * A journal whose files another process writes and rotates, opened with {@link openFileReader}: takes no lock, and writes nothing.
 *
 * What is in the file is flushed, so `tail(after, { flushed: true })` is the same as without. Tails error as {@link readJournal} does when the files are
 * damaged or replaced.
 */
export class FileReader<in out T> implements Scrivener<T>, AsyncDisposable {
  readonly #parts: FileReaderParts<T>;
  readonly #reads: FileReaderParts<T>['reads'];
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(parts: FileReaderParts<T>) {
    this.#parts = parts;
    this.#reads = parts.reads;
  }

  /** The last position that was seen in the file, {@link START} when there is none. */
  get head(): Position {
    return this.#parts.head();
  }

  /** The oldest position kept, as far as this reader knows: from opening, and from what it last read from the disk. `head + 1` when there is none. */
  get first(): Position {
    return Math.min(Math.max(this.#parts.first(), START + 1), this.head + 1);
  }

  /** `head`, then each further position, in order; completes when this reader is closed. */
  get head$(): Observable<Position> {
    return headOf(this);
  }

  /** Rejects with {@link NotSupportedError}: whoever holds the file writes it. */
  async write(_entry: T): Promise<Position> {
    throw new NotSupportedError(
      'a FileReader reads what others write; open the file with openFileScrivener to write it',
    );
  }

  tail<U extends T>(after: Position | 'oldest' | undefined, options: Narrowing<TailOptions, T, U>): JournalStream<U>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T> {
    return this.#reads.tail(after, options);
  }

  readBackward<U extends T>(before: Position | undefined, options: Narrowing<ReadOptions, T, U>): JournalStream<U>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T> {
    return this.#reads.readBackward(before, options);
  }

  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>> {
    return this.#reads.waitFor(after, match, options);
  }

  /** Ends this reader's tails, which complete, and releases the file; the journal stays as it is. Again: the same promise. */
  close(): Promise<void> {
    return (this.#closing ??= this.#parts.leave());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
