import type { ConformanceEntry } from './conformance-entry';
import type { ConformanceFeature } from './conformance-supports';
import type { Trial } from './trial';

/** One thing that every scrivener does. */
export interface ConformanceCase {
  readonly name: string;
  /** What the backend has to be able to do for it. */
  readonly needs?: readonly ConformanceFeature[];
  /** What is in the journal before: so many `added` entries, or these. Default: nothing. */
  readonly given?: number | readonly ConformanceEntry[];
  /** Asks `create` for a journal that keeps only so many entries. */
  readonly retain?: number;
  run(trial: Trial): Promise<void>;
}
