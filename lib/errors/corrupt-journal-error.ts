import { ScrivenerError } from './scrivener-error';

/** A file is not a journal, or is damaged; it was left unchanged. */
export class CorruptJournalError extends ScrivenerError {
  override readonly name = 'CorruptJournalError';
  readonly code = 'ERR_CORRUPT_JOURNAL';
  /** The file. */
  readonly filePath!: string;
  /** The damaged line, from 1. */
  readonly line!: number;
  /** Where that line begins, in bytes from the file's start. */
  readonly byteOffset!: number;
  /** What is wrong, without quoting the line. */
  readonly reason!: string;

  constructor(
    { filePath, line, byteOffset, reason }: Pick<CorruptJournalError, 'filePath' | 'line' | 'byteOffset' | 'reason'>,
    options?: ErrorOptions,
  ) {
    super(`${filePath}, line ${line} (byte ${byteOffset}): ${reason}`, options);
    Object.assign(this, { filePath, line, byteOffset, reason });
  }
}
