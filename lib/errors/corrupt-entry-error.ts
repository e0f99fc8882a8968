import { ScrivenerError } from './scrivener-error';

/** A serializer received a line that it did not write. `reason` says why, without quoting the line. */
export class CorruptEntryError extends ScrivenerError {
  override readonly name = 'CorruptEntryError';
  readonly code = 'ERR_CORRUPT_ENTRY';

  constructor(
    /** What is wrong with the line. */
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`Not a journal line: ${reason}`, options);
  }
}
