import { ScrivenerError } from './scrivener-error';

/** An entry cannot be written as one line of text; it was not journaled. `cause` is what the serializer threw, if it did. */
export class SerializationError extends ScrivenerError {
  override readonly name = 'SerializationError';
  readonly code = 'ERR_SERIALIZATION';

  constructor(
    /** Why the entry has no line. */
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`The entry cannot be serialized: ${reason}`, options);
  }
}
