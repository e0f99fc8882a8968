import type { Positioned } from '../journal/position';
import type { Snapshot } from './flush-predicate';

/**
 * Where a flusher persists a journal: called with one snapshot at a time, in the order of their positions.
 *
 * An implementation takes a snapshot whole or, by rejecting, not at all; it may keep the array. A rejection fails the flusher.
 *
 * @example
 * ```ts
 * const sink: FlushSink<Entry> = { append: async (snapshot) => db.insertMany(snapshot) };
 * ```
 */
export interface FlushSink<T> {
  /**
   * Resolves once the snapshot is persisted.
   *
   * @param lines - the records serialized, one line each, without newlines, where the writer has them already
   */
  readonly append: (snapshot: Snapshot<T>, lines?: readonly string[]) => Promise<void>;
  /** How many bytes it has written, where it counts them. */
  readonly bytes?: number;
  /** What the sink holds, from position 1, for a scrivener to recover from where it is not the file. */
  recover?(): AsyncIterable<Positioned<T>>;
  /** Releases what the sink holds; called once, whether the flusher completed or failed. */
  close?(): Promise<void>;
}
