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
   * Resolves when the snapshot is persisted.
   *
   * @param lines - the serialized records, one line each without newline, if the writer already has them
   */
  readonly append: (snapshot: Snapshot<T>, lines?: readonly string[]) => Promise<void>;
  /** How many bytes it has written, if it counts them. */
  readonly bytes?: number;
  /** The entries that the sink holds, from position 1; a scrivener recovers from them if the sink does not write its file. */
  recover?(): AsyncIterable<Positioned<T>>;
  /** Releases what the sink holds; called once, whether the flusher completed or failed. */
  close?(): Promise<void>;
}
