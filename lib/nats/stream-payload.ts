import { CorruptEntryError } from '../errors/corrupt-entry-error';
import { SerializationError } from '../errors/serialization-error';
import { toLine, type EntrySerializer } from '../flush/entry-serializer';
import { parseEnvelope, SCHEMA_VERSION, toJson } from '../flush/json-entry-serializer';
import { assertReadsBack, readEntry, validateEntry, type Reading } from '../flush/validate-entry';
import { END, START, type Positioned } from '../journal/position';
import type { Arrival } from './contiguous-messages';
import type { JetStreamScrivenerConfig } from './open-jet-stream-scrivener';

const HEAD = `{"schemaVersion":"${SCHEMA_VERSION}","entry":`;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The parts of a {@link StreamPayload}. */
interface StreamPayloadOptions<T> {
  /** The name of the stream, for errors. */
  readonly source: string;
  readonly serializer: EntrySerializer<T> | undefined;
  readonly reading: Pick<JetStreamScrivenerConfig<T>, 'schema' | 'upgrade'>;
}

/** The content of a message: only an entry, because its position is the sequence that the stream assigns to the message. */
export class StreamPayload<T> {
  readonly #source: string;
  readonly #serializer: EntrySerializer<T> | undefined;
  readonly #reading: Reading<T>;

  constructor({ source, serializer, reading }: StreamPayloadOptions<T>) {
    this.#source = source;
    this.#serializer = serializer;
    this.#reading = reading;
  }

  /** The payload of an entry, after the schema; throws {@link EntryValidationError} and {@link SerializationError} if it has none. */
  encode(entry: T): string {
    const { schema, upgrade } = this.#reading;
    if (!schema && !upgrade) return this.#serialize(entry);
    const payload = this.#serialize(schema ? validateEntry(schema, entry) : entry);
    let read;
    try {
      read = this.#deserialize(payload);
    } catch (cause) {
      throw new SerializationError('the serializer cannot read its own line', { cause });
    }
    // A custom serializer may write different lines for equal entries, for example if it encrypts.
    assertReadsBack(
      this.#reading,
      read,
      END,
      (again) => this.#serializer !== undefined || this.#serialize(again) === payload,
    );
    return payload;
  }

  /**
   * The record of a message; throws {@link CorruptEntryError}, which names the position, if it was not written as an entry, and
   * {@link SchemaMismatchError} if the schema refuses it.
   */
  decode({ position, message }: Arrival): Positioned<T> {
    let entry;
    try {
      entry = this.#deserialize(decodeText(message.data));
    } catch (cause) {
      const { reason = String(cause) } = cause instanceof CorruptEntryError ? cause : {};
      throw new CorruptEntryError(`the message with sequence ${position}: ${reason}`, { cause });
    }
    return { position, entry: readEntry(this.#reading, entry, this.#source, position) };
  }

  /** The records of messages up to the first that is not an entry; then throws the error for that one. */
  *decodeAll(arrivals: Iterable<Arrival>): Generator<readonly Positioned<T>[], void> {
    const records: Positioned<T>[] = [];
    try {
      for (const arrival of arrivals) records.push(this.decode(arrival));
    } finally {
      if (records.length > 0) yield records;
    }
  }

  #serialize(entry: T): string {
    if (this.#serializer) return toLine(this.#serializer, { position: START + 1, entry });
    return HEAD + toJson(entry) + '}';
  }

  #deserialize(text: string): T {
    return this.#serializer ? this.#serializer.deserialize(text).entry : (deserialize(text) as T);
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
    // Something may follow the entry.
  }
  return parseEnvelope(text).entry;
}
