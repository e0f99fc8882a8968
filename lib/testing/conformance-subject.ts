import type { Scrivener } from '../journal/scrivener';
import type { ConformanceEntry } from './conformance-entry';

/** What a case asks of `create`. */
export interface ConformanceCreateOptions {
  /** Keep only the newest so many entries; given only to cases that need the feature `retain`. */
  readonly retain?: number;
}

/**
 * A scrivener under test, on an empty journal of its own, and what the suite can do to it from outside.
 *
 * The hooks are no part of `Scrivener`, so a case that needs one fails unless `supports` says that there is none. A scrivener that
 * has `complete()`, `error(reason)` or `observed` itself, as `InMemoryScrivener` has, needs no hook for it.
 */
export interface ConformanceSubject {
  /** The scrivener to test. */
  readonly scrivener: Scrivener<ConformanceEntry>;
  /** Releases everything; called once at the end of the case, however it ended. */
  dispose?(): unknown;
  /**
   * Closes the journal, opens it again and gives the scrivener to continue with. Called once, after what a case finds in the journal
   * and before what it tests: with it, the suite shows that a reopened journal is as good as the one that was written.
   */
  reopen?(): Scrivener<ConformanceEntry> | Promise<Scrivener<ConformanceEntry>>;
  /** Completes the journal. Feature `complete`. */
  complete?(): unknown;
  /** Ends the journal with this very error. Feature `fail`. */
  fail?(reason: unknown): unknown;
  /** Whether anything is still subscribed to the journal or waits after its end. Feature `observed`. */
  observed?(): boolean | Promise<boolean>;
}
