import type { StandardSchemaV1 } from '@standard-schema/spec';
import { CorruptEntryError } from '../errors/corrupt-entry-error';
import { toLine, type EntrySerializer } from '../flush/entry-serializer';
import { parseEnvelope, SCHEMA_VERSION, toJson } from '../flush/json-entry-serializer';
import { validateEntry } from '../flush/validate-entry';
import { START, type Positioned } from '../journal/position';
import type { Arrival } from './contiguous-messages';

const HEAD = `{"schemaVersion":"${SCHEMA_VERSION}","entry":`;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What stands in a message: an entry alone, for its position is the sequence that the stream gives to the message. */
export class StreamPayload<T> {
  readonly #serializer: EntrySerializer<T> | undefined;
  readonly #schema: StandardSchemaV1<unknown, T> | undefined;

  constructor(serializer: EntrySerializer<T> | undefined, schema: StandardSchemaV1<unknown, T> | undefined) {
    this.#serializer = serializer;
    this.#schema = schema;
  }

  /** The payload of an entry; throws {@link EntryValidationError} and {@link SerializationError} when it has none. */
  encode(entry: T): string {
    if (this.#schema) validateEntry(this.#schema, entry);
    if (this.#serializer) return toLine(this.#serializer, { position: START + 1, entry });
    return HEAD + toJson(entry) + '}';
  }

  /** The record of a message; throws {@link CorruptEntryError}, which names the position, for one that was not written as an entry. */
  decode({ position, message }: Arrival): Positioned<T> {
    try {
      const text = decodeText(message.data);
      const entry = this.#serializer ? this.#serializer.deserialize(text).entry : (deserialize(text) as T);
      return { position, entry: this.#schema ? validateEntry(this.#schema, entry) : entry };
    } catch (cause) {
      const { reason = String(cause) } = cause instanceof CorruptEntryError ? cause : {};
      throw new CorruptEntryError(`the message with sequence ${position}: ${reason}`, { cause });
    }
  }

  /** The records of messages, as far as they are entries, then the error for the first that is none. */
  *decodeAll(arrivals: Iterable<Arrival>): Generator<readonly Positioned<T>[], void> {
    const records: Positioned<T>[] = [];
    try {
      for (const arrival of arrivals) records.push(this.decode(arrival));
    } finally {
      if (records.length > 0) yield records;
    }
  }
}

function decodeText(data: Uint8Array): string {
  try {
    return utf8.decode(data);
  } catch (cause) {
    throw new CorruptEntryError('it is not UTF-8', { cause });
  }
}

function deserialize(text: string): unknown {
  try {
    if (text.startsWith(HEAD) && text.endsWith('}')) return JSON.parse(text.slice(HEAD.length, -1));
  } catch {
    // Something may stand behind the entry.
  }
  return parseEnvelope(text).entry;
}
