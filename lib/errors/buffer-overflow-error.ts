import { ScrivenerError } from './scrivener-error';

/** A consumer of {@link toAsyncIterable} fell behind its source by more than the buffer may hold. */
export class BufferOverflowError extends ScrivenerError {
  override readonly name = 'BufferOverflowError';
  readonly code = 'ERR_BUFFER_OVERFLOW';

  constructor(
    /** How many values the buffer may hold. */
    readonly highWaterMark: number,
  ) {
    super(`The consumer fell more than ${highWaterMark} values behind`);
  }
}
