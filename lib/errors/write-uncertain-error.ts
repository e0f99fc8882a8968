import { ScrivenerError } from './scrivener-error';

/**
 * An entry was sent but never acknowledged: it may or may not be in the journal, at most once. Look for it before you write it again.
 * `cause` is what ended the wait, unless it timed out.
 */
export class WriteUncertainError extends ScrivenerError {
  override readonly name = 'WriteUncertainError';
  readonly code = 'ERR_WRITE_UNCERTAIN';

  constructor(options?: ErrorOptions) {
    super('The entry was sent and not acknowledged: it may be in the journal or not', options);
  }
}
