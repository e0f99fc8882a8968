import { shown } from '../errors/assert-argument';
import type { Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';

/**
 * Many journals, each with its own name: any string of 1 to 512 characters.
 *
 * Implemented by a folder of files ({@link openJournalFolder} in `rx-scrivener/file`) and by {@link inMemoryJournals}; others can be written. An invalid name
 * is a TypeError or RangeError: `journal` and `names` throw it, other methods reject with it. After `close` everything rejects with {@link JournalClosedError}.
 *
 * @example
 * ```ts
 * const chat = journals.journal('ann/2026-11-26'); // nothing is opened yet
 * await chat.write({ type: 'Said', text: 'hello' }); // creates it
 * for await (const name of journals.names('ann/')) console.log(name);
 * ```
 */
export interface Journals<in out T> extends AsyncDisposable {
  /**
   * The journal of a name, always the same scrivener for the same name. Its first use opens it: a `write` creates it; reading a journal that
   * does not exist errors with {@link JournalNotFoundError}.
   */
  journal(name: string): Scrivener<T>;
  /** Creates an empty journal if none has this name; resolves with whether it is new. */
  create(name: string): Promise<boolean>;
  /** Resolves with whether there is a journal of this name. */
  exists(name: string): Promise<boolean>;
  /**
   * Deletes a journal with everything in it; resolves with whether there was one. Does not wait for its users: those that read it, and those that
   * wait for a write, get {@link JournalNotFoundError}. A later write starts a new journal at position 1.
   */
  delete(name: string): Promise<boolean>;
  /** The names that begin with a prefix (without one: all), sorted by UTF-16 code units. */
  names(prefix?: string): AsyncIterable<string>;
  /**
   * Makes a new journal with the entries of another up to a position, at the same positions; it continues independently.
   *
   * Rejects with {@link JournalNotFoundError}, {@link JournalExistsError} if the new name is taken, {@link PositionTrimmedError} if `through`
   * is no longer kept, and `RangeError` if it is past the journal's end.
   */
  fork(name: string, newName: string, through: Position): Promise<void>;
  /** Closes all journals, and flushes those that are flushed. Further calls return the same promise. */
  close(): Promise<void>;
}

const MAX_CHARACTERS = 512;

/** Throws a TypeError or RangeError for a value that cannot name a journal. */
export function assertJournalName(argument: string, name: unknown): asserts name is string {
  if (typeof name !== 'string') throw new TypeError(`Expected \`${argument}\` to be a string, got ${shown(name)}`);
  if (name === '') throw new RangeError(`Expected \`${argument}\` to have 1 to ${MAX_CHARACTERS} characters, got none`);
  if (name.length <= MAX_CHARACTERS) return;
  // A character outside the basic plane has two units.
  const count = name.length > 2 * MAX_CHARACTERS ? name.length : Array.from(name).length;
  if (count > MAX_CHARACTERS)
    throw new RangeError(`Expected \`${argument}\` to have 1 to ${MAX_CHARACTERS} characters, got ${count}`);
}

/** Throws a TypeError for a value that cannot be a prefix of names. */
export function assertPrefix(prefix: unknown): asserts prefix is string {
  if (typeof prefix !== 'string') throw new TypeError(`Expected \`prefix\` to be a string, got ${shown(prefix)}`);
}
