import type { Scrivener } from '../journal/scrivener';
import type { ConformanceEntry } from './conformance-entry';

/** What a case asks of `create`. */
export interface ConformanceCreateOptions {
  /** Keep only this many of the newest entries; set only for cases that need the feature `retain`. */
  readonly retain?: number;
}

/**
 * A scrivener under test, on an empty journal of its own, and what the suite can do to it from outside.
 *
 * The hooks are not part of `Scrivener`, so a case that needs a missing one fails unless `supports` excludes it. A scrivener that
 * has `complete()`, `error(reason)` or `observed` itself, as `InMemoryScrivener` has, needs no hook for it.
 */
export interface ConformanceSubject {
  /** The scrivener to test. */
  readonly scrivener: Scrivener<ConformanceEntry>;
  /** Releases everything; called once at the end of the case, however it ended. */
  dispose?(): unknown;
  /**
   * Closes the journal, opens it again and returns the scrivener to continue with. Called once, after a case's initial content is written
   * and before the test itself: with it, the suite shows that a reopened journal behaves like the original one.
   */
  reopen?(): Scrivener<ConformanceEntry> | Promise<Scrivener<ConformanceEntry>>;
  /** Completes the journal. Feature `complete`. */
  complete?(): unknown;
  /** Ends the journal with this very error. Feature `fail`. */
  fail?(reason: unknown): unknown;
  /** Whether anything is still subscribed to the journal or waits after its end. Feature `observed`. */
  observed?(): boolean | Promise<boolean>;
}
