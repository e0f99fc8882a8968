import type { ConformanceEntry } from './conformance-entry';
import type { ConformanceFeature } from './conformance-supports';
import type { Trial } from './trial';

/** One thing that every scrivener does. */
export interface ConformanceCase {
  readonly name: string;
  /** The features that the backend needs for it. */
  readonly needs?: readonly ConformanceFeature[];
  /** The journal's initial content: this many `added` entries, or these entries. Default: none. */
  readonly given?: number | readonly ConformanceEntry[];
  /** Requests from `create` a journal that keeps only this many entries. */
  readonly retain?: number;
  run(trial: Trial): Promise<void>;
}
