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
  | 'ERR_JOURNAL_LOCKED'
  | 'ERR_JOURNAL_LOST'
  | 'ERR_JOURNAL_MISMATCH'
  | 'ERR_NOT_SUPPORTED'
  | 'ERR_POSITION_CONFLICT'
  | 'ERR_POSITION_TRIMMED'
  | 'ERR_SERIALIZATION'
  | 'ERR_WRITE_REFUSED'
  | 'ERR_WRITE_UNCERTAIN';

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
 *   if (error instanceof ScrivenerError && error.code === 'ERR_POSITION_CONFLICT') retry();
 * }
 * ```
 */
export abstract class ScrivenerError extends Error {
  abstract readonly code: ErrorCode;
}
