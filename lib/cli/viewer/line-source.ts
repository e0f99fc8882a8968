import type { Observable } from 'rxjs';
import type { Line } from './line';

/** Which lines a source has. */
export interface Extent {
  /** The number of the oldest line. */
  readonly first: number;
  /** The number of the newest line; `first - 1` when there is none. */
  readonly head: number;
  /** Changes when another file has replaced the one that was shown. */
  readonly generation: number;
  readonly sizeBytes?: number | undefined;
  /** The number of the last line that is flushed; `undefined` if that is not known. */
  readonly flushed?: number | undefined;
  /** Why it cannot be read at present. */
  readonly error?: string | undefined;
}

/** Something that the viewer shows: a file, or a journal. */
export interface LineSource {
  readonly extent: Extent;
  /** Emits when `extent` has changed. */
  readonly changes$: Observable<void>;
  /** Whether it has ended, so that whatever has its name now must be opened instead; `changes$` emits when that happens. */
  readonly isOver: boolean;
  /** How many samples a survey takes: one costs more in a journal than in a file. */
  readonly samples: number;
  /** The existing lines from one number to another, both included; a few are in memory at a time. */
  lines(from: number, to: number): AsyncIterable<Line>;
  /** The number of the line at a position, or of the next line. */
  find(position: number): Promise<number>;
  close(): Promise<void>;
}
