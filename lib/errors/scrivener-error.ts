/** Every stable `code` that an error of this library carries. */
export type ErrorCode =
  | 'ERR_ACCESS_DENIED'
  | 'ERR_BACKLOG_FULL'
  | 'ERR_BOOKMARK_AHEAD'
  | 'ERR_BUFFER_OVERFLOW'
  | 'ERR_CORRUPT_BOOKMARK'
  | 'ERR_CORRUPT_ENTRY'
  | 'ERR_CORRUPT_JOURNAL'
  | 'ERR_ENTRY_TOO_LARGE'
  | 'ERR_ENTRY_VALIDATION'
  | 'ERR_FLUSH_ABANDONED'
  | 'ERR_HTTP_STATUS'
  | 'ERR_INVALID_TRANSITION'
  | 'ERR_JOURNAL_CLOSED'
  | 'ERR_JOURNAL_EXISTS'
  | 'ERR_JOURNAL_LOCKED'
  | 'ERR_JOURNAL_LOST'
  | 'ERR_JOURNAL_MISMATCH'
  | 'ERR_JOURNAL_NOT_FOUND'
  | 'ERR_NOT_SUPPORTED'
  | 'ERR_POSITION_CONFLICT'
  | 'ERR_POSITION_TRIMMED'
  | 'ERR_SCHEMA_MISMATCH'
  | 'ERR_SERIALIZATION'
  | 'ERR_WRITE_REFUSED'
  | 'ERR_WRITE_UNCERTAIN';

const BRAND = Symbol.for('rx-scrivener.error');

/**
 * The base of every error this library defines; tell them apart by `code`, which never changes.
 *
 * Wrong arguments are not among them: those are plain `TypeError`s and `RangeError`s.
 *
 * @example
 * ```ts
 * try {
 *   await scrivener.write(entry, { expect: 7 });
 * } catch (error) {
 *   if (ScrivenerError.is(error) && error.code === 'ERR_POSITION_CONFLICT') retry();
 * }
 * ```
 */
export abstract class ScrivenerError extends Error {
  abstract readonly code: ErrorCode;
  /** @internal Identifies the class across copies. */
  [BRAND](): void {}

  /** Whether a value is an error of this library, from any loaded copy of the package: ESM, CJS or another version. */
  static is(value: unknown): value is ScrivenerError {
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  /** `instanceof ScrivenerError` is {@link ScrivenerError.is}; a subclass knows the errors of its own copy alone. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === ScrivenerError ? ScrivenerError.is(value) : Error[Symbol.hasInstance].call(this, value);
  }
}
