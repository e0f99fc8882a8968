import { ScrivenerError } from './scrivener-error';

/** As many entries as allowed wait to be flushed; the entry was not journaled. */
export class BacklogFullError extends ScrivenerError {
  override readonly name = 'BacklogFullError';
  readonly code = 'ERR_BACKLOG_FULL';

  constructor(
    /** How many entries may wait. */
    readonly maxPending: number,
  ) {
    super(`${maxPending} entries wait to be flushed; \`write\` waits for room, \`append\` cannot`);
  }
}
