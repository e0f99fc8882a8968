import { shown } from '../errors/assert-argument';
import type { Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';

/**
 * Many journals, each with a name of its own: any text of 1 to 512 characters.
 *
 * A folder of files is one ({@link openJournalFolder} in `rx-scrivener/file`), {@link inMemoryJournals} another; others can be written. A wrong name
 * is a TypeError or RangeError: thrown by `journal` and `names`, a rejection elsewhere. After `close` everything rejects with {@link JournalClosedError}.
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
   * The journal of a name, the same scrivener for the same name. It is opened by its first use: a `write` creates it, and reading one that
   * does not exist makes none, but errors with {@link JournalNotFoundError}.
   */
  journal(name: string): Scrivener<T>;
  /** Creates an empty journal if there is none of this name; resolves with whether it is new. */
  create(name: string): Promise<boolean>;
  /** Resolves with whether there is a journal of this name. */
  exists(name: string): Promise<boolean>;
  /**
   * Deletes a journal with all that it holds; resolves with whether there was one. Waits for nobody: those who read it, and those who
   * wait for a write, get {@link JournalNotFoundError}. A later write begins a new journal at position 1.
   */
  delete(name: string): Promise<boolean>;
  /** The names that begin with a prefix, all without one, sorted by their UTF-16 code units. */
  names(prefix?: string): AsyncIterable<string>;
  /**
   * Makes a new journal that holds what another holds up to a position, at the same positions, and continues on its own.
   *
   * Rejects with {@link JournalNotFoundError}, {@link JournalExistsError} when the new name is taken, {@link PositionTrimmedError} when `through`
   * is no longer kept, and `RangeError` when it is past the journal's end.
   */
  fork(name: string, newName: string, through: Position): Promise<void>;
  /** Ends all journals, flushed where they are flushed; again: the same promise. */
  close(): Promise<void>;
}

const MAX_CHARACTERS = 512;

/** Throws a TypeError or RangeError for what is no name of a journal. */
export function assertJournalName(argument: string, name: unknown): asserts name is string {
  if (typeof name !== 'string') throw new TypeError(`Expected \`${argument}\` to be a string, got ${shown(name)}`);
  if (name === '') throw new RangeError(`Expected \`${argument}\` to have 1 to ${MAX_CHARACTERS} characters, got none`);
  if (name.length <= MAX_CHARACTERS) return;
  // Past the basic plane a character is two units.
  const count = name.length > 2 * MAX_CHARACTERS ? name.length : Array.from(name).length;
  if (count > MAX_CHARACTERS)
    throw new RangeError(`Expected \`${argument}\` to have 1 to ${MAX_CHARACTERS} characters, got ${count}`);
}

/** Throws a TypeError for what is no prefix of names. */
export function assertPrefix(prefix: unknown): asserts prefix is string {
  if (typeof prefix !== 'string') throw new TypeError(`Expected \`prefix\` to be a string, got ${shown(prefix)}`);
}
