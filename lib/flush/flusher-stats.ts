import type { Position } from '../journal/position';

/** Counters of a flusher. */
export interface FlusherStats {
  /** The newest position that it has received. */
  readonly written: Position;
  /** The last position that the sink has accepted. */
  readonly flushed: Position;
  /** How many received entries are not in the sink. */
  readonly lag: number;
  /** How many cut snapshots wait for the sink, without the one it is working on. */
  readonly queueDepth: number;
  /** How many snapshots the sink has accepted. */
  readonly batches: number;
  /** How many bytes the sink reports; `undefined` if it does not count them. */
  readonly bytes: number | undefined;
  /** How long the sink took for the last snapshot it accepted, in milliseconds; `undefined` before the first. */
  readonly lastFlushMs: number | undefined;
}
