import type { Observable } from 'rxjs';
import type { Line } from './line';

/** How far there is something to look at. */
export interface Extent {
  /** The number of the oldest line. */
  readonly first: number;
  /** The number of the newest line; `first - 1` when there is none. */
  readonly head: number;
  /** Changes when another file has taken the place of the one that was looked at. */
  readonly generation: number;
  readonly sizeBytes?: number | undefined;
  /** What it failed with. */
  readonly error?: string | undefined;
}

/** Something that is looked at: a file, or a journal. */
export interface LineSource {
  readonly extent: Extent;
  /** Emits when `extent` has changed. */
  readonly changes$: Observable<void>;
  /** Whether it shows what has ended, and what has its name now is to be opened instead; `changes$` tells of it. */
  readonly isOver: boolean;
  /** In how many places a survey looks at it: one costs more in a journal than in a file. */
  readonly samples: number;
  /** The lines from one number to another, both included, as far as there are any; a few are held at a time. */
  lines(from: number, to: number): AsyncIterable<Line>;
  /** The number of the line at a position, or of the next one. */
  find(position: number): Promise<number>;
  close(): Promise<void>;
}
