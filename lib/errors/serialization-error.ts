import { ScrivenerError } from './scrivener-error';

/** An entry cannot be written as one line of text, and was not journaled; or a state cannot be saved in a checkpoint. `cause` is what the serializer threw, if it did. */
export class SerializationError extends ScrivenerError {
  override readonly name = 'SerializationError';
  readonly code = 'ERR_SERIALIZATION';

  constructor(
    /** Why it cannot be serialized. */
    readonly reason: string,
    options?: ErrorOptions,
    what: 'entry' | 'state' = 'entry',
  ) {
    super(`The ${what} cannot be serialized: ${reason}`, options);
  }
}
