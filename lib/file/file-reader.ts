import type { Observable } from 'rxjs';
import { NotSupportedError } from '../errors/not-supported-error';
import { headOf } from '../journal/head-of';
import type { JournalStream } from '../journal/journal-stream';
import { START, type Position, type Positioned } from '../journal/position';
import type { Narrowing, ReadOptions, Scrivener, TailOptions, WaitOptions } from '../journal/scrivener';

/** The parts from which {@link openFileReader} builds a reader. */
export interface FileReaderParts<T> {
  readonly reads: Pick<Scrivener<T>, 'tail' | 'readBackward' | 'waitFor'>;
  readonly head: () => Position;
  /** The oldest position kept, as far as is known. */
  readonly first: () => Position;
  /** Ends the following; resolves when it has ended. */
  readonly leave: () => Promise<void>;
}

/**
 * A journal whose files another process writes and rotates, opened with {@link openFileReader}: takes no lock, and writes nothing.
 *
 * Everything in the file is flushed, so `tail(after, { flushed: true })` is the same as without. Tails error as {@link readJournal} does if the files are
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

  /** The last position that was read from the file; {@link START} if there is none. */
  get head(): Position {
    return this.#parts.head();
  }

  /** The oldest position kept, as far as this reader knows: from opening, and from what it last read from the disk. `head + 1` if none is kept. */
  get first(): Position {
    return Math.min(Math.max(this.#parts.first(), START + 1), this.head + 1);
  }

  /** `head`, then each further position, in order; completes when this reader is closed. */
  get head$(): Observable<Position> {
    return headOf(this);
  }

  /** Rejects with {@link NotSupportedError}: only the process that holds the file writes it. */
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

  /** Completes this reader's tails and releases the file; the journal is unchanged. Further calls return the same promise. */
  close(): Promise<void> {
    return (this.#closing ??= this.#parts.leave());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
