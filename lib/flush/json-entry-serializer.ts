import { CorruptEntryError } from '../errors/corrupt-entry-error';
import { SerializationError } from '../errors/serialization-error';
import type { Position, Positioned } from '../journal/position';
import type { EntrySerializer } from './entry-serializer';
import { NoTextError, stableStringify } from './stable-stringify';

export const SCHEMA_VERSION = '1';
/** How a line begins, up to its position. */
export const HEAD = `{"schemaVersion":"${SCHEMA_VERSION}","position":`;
/** The text between a line's position and its entry. */
export const NECK = ',"entry":';

/**
 * The journal's own format: `{"schemaVersion":"1","position":7,"entry":{…}}`, the entry as JSON with sorted keys, so that equal
 * entries are equal bytes. Reads the three keys in any order, and ignores others.
 *
 * @example
 * ```ts
 * const line = new JsonEntrySerializer<Said>().serialize({ position: 7, entry: { type: 'Said', text: 'hello' } });
 * ```
 */
export class JsonEntrySerializer<in out T> implements EntrySerializer<T> {
  /** @throws {@link SerializationError} for values without a JSON text: `undefined`, a bigint, a cycle */
  serialize({ position, entry }: Positioned<T>): string {
    return HEAD + position + NECK + toJson(entry) + '}';
  }

  /** @throws {@link CorruptEntryError} for anything but such a line, another schemaVersion included */
  deserialize(line: string): Positioned<T> {
    return this.#deserializeOwn(line) ?? deserializeAny(line);
  }

  /** Parses only the entry if the line has the layout of `serialize`; otherwise `undefined`. */
  #deserializeOwn(line: string): Positioned<T> | undefined {
    if (!line.startsWith(HEAD) || !line.endsWith('}')) return undefined;
    const end = line.indexOf(NECK);
    const digits = line.slice(HEAD.length, end);
    const position = Number(digits);
    if (!isPosition(position) || '' + position !== digits) return undefined;
    try {
      return { position, entry: JSON.parse(line.slice(end + NECK.length, -1)) as T };
    } catch {
      return undefined;
    }
  }
}

/** Whether a serializer is the journal's own, not a subclass. */
export function isOwn<T>(serializer: EntrySerializer<T>): boolean {
  return (serializer as object).constructor === JsonEntrySerializer && !Object.hasOwn(serializer, 'serialize');
}

function deserializeAny<T>(line: string): Positioned<T> {
  const { position, entry } = parseEnvelope(line);
  if (!isPosition(position)) throw new CorruptEntryError('its position is not a safe integer >= 1');
  return { position, entry: entry as T };
}

/** The object around an entry, with the entry; throws {@link CorruptEntryError} for anything else. */
export function parseEnvelope(text: string): Readonly<Record<string, unknown>> {
  let envelope: unknown;
  try {
    envelope = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new CorruptEntryError('it is not JSON');
  }
  if (typeof envelope !== 'object' || envelope === null || Array.isArray(envelope)) {
    throw new CorruptEntryError('it is not a JSON object');
  }
  const { schemaVersion } = envelope as Record<string, unknown>;
  if (schemaVersion !== SCHEMA_VERSION) throw new CorruptEntryError(`its schemaVersion is not "${SCHEMA_VERSION}"`);
  if (!Object.hasOwn(envelope, 'entry')) throw new CorruptEntryError('it has no entry');
  return envelope as Record<string, unknown>;
}

/** The JSON of an entry; throws {@link SerializationError} if it has none. */
export function toJson(entry: unknown): string {
  let json;
  try {
    json = stableStringify(entry);
  } catch (cause) {
    throw new SerializationError(cause instanceof NoTextError ? cause.message : 'JSON cannot hold it', { cause });
  }
  if (json === undefined) throw new SerializationError(`JSON cannot hold ${typeof entry}`);
  return json;
}

function isPosition(value: unknown): value is Position {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
