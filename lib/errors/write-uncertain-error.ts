import { ScrivenerError } from './scrivener-error';

/**
 * An entry was sent and its acknowledgement never came: it may be in the journal, once, or not. Look for it before it is written again.
 * `cause` is what ended the wait, where anything but the time did.
 */
export class WriteUncertainError extends ScrivenerError {
  override readonly name = 'WriteUncertainError';
  readonly code = 'ERR_WRITE_UNCERTAIN';

  constructor(options?: ErrorOptions) {
    super('The entry was sent and not acknowledged: it may be in the journal or not', options);
  }
}
