import { fromEvent, merge, type Subscription } from 'rxjs';
import { CorruptEntryError } from '../errors/corrupt-entry-error';
import { CorruptJournalError } from '../errors/corrupt-journal-error';
import { toLine } from '../flush/entry-serializer';
import { readableLineOf } from '../flush/readable-line-of';
import { readEntry, type Reading } from '../flush/validate-entry';
import { InMemoryScrivener } from '../journal/in-memory-scrivener';
import type { Position } from '../journal/position';
import { IndexedDbFlushing } from './indexed-db-flushing';
import { IndexedDbScrivener } from './indexed-db-scrivener';
import { withDefaults, type IndexedDbScrivenerConfig } from './indexed-db-scrivener-config';
import { IndexedDbSink } from './indexed-db-sink';
import { lockJournal } from './web-lock';

/**
 * Opens a journal in a browser's IndexedDB: locks it for this page or worker, recovers what it holds, and starts to persist what is written.
 *
 * Waiting entries are also handed to the browser when the page is hidden or left, but only entries reported as flushed are safe.
 *
 * Rejects with {@link JournalLockedError} if the journal is still open elsewhere in this origin after one second,
 * {@link JournalMismatchError} if the database of that name belongs to something else, {@link CorruptJournalError} if its content is not a journal (`line` is the position), {@link SchemaMismatchError} if the schema refuses an entry, `RangeError` and `TypeError` for invalid options
 * and in an insecure page, and the browser's `DOMException` if the database cannot be opened.
 *
 * @example
 * ```ts
 * const scrivener = await openIndexedDbScrivener<ChatEntry>({ name: 'chat' });
 * await scrivener.whenFlushed(await scrivener.write({ type: 'Said', text: 'hello' }));
 * ```
 */
export async function openIndexedDbScrivener<T>(config: IndexedDbScrivenerConfig<T>): Promise<IndexedDbScrivener<T>> {
  const options = withDefaults(config);
  const { name, serializer, schema, upgrade, daemonEvents } = options;
  const sink = new IndexedDbSink<T>({ name, serializer, durability: options.durability });
  const unlock = await lockJournal(name);
  try {
    const memory = await recover(sink, name, { schema, upgrade });
    const recovered = { entries: memory.head, lastPosition: memory.head };
    const flushing = new IndexedDbFlushing<T>({ ...options, scrivener: memory, sink });
    return new IndexedDbScrivener({
      memory,
      flushing,
      flusher: await flushing.start(memory.head),
      lineOf: readableLineOf<T>((record) => toLine(serializer, record), serializer, { schema, upgrade }),
      schema,
      daemonEvents,
      recovered,
      whenHidden,
      release: unlock,
    });
  } catch (error) {
    await sink.close().catch(() => undefined); // what failed first says more
    unlock();
    throw error;
  }
}

async function recover<T>(sink: IndexedDbSink<T>, name: string, reading: Reading<T>): Promise<InMemoryScrivener<T>> {
  const memory = new InMemoryScrivener<T>();
  const source = `indexeddb:${name}`;
  const damage = (reason: string, options?: ErrorOptions) =>
    new CorruptJournalError({ filePath: source, line: memory.head + 1, byteOffset: 0, reason }, options);
  try {
    for await (const { position, entry } of sink.recover()) {
      if (position !== memory.head + 1) throw damage(describeGap(position, memory.head + 1));
      memory.append(readEntry(reading, entry, source, position));
    }
  } catch (error) {
    if (error instanceof CorruptEntryError) throw damage(error.reason, { cause: error });
    throw error;
  }
  return memory;
}

function describeGap(position: Position, next: Position): string {
  return `its position is ${position} where ${next} is next`;
}

/** Calls `flush` whenever the page is hidden, as it may be ended then without another word: https://www.w3.org/TR/page-visibility-2/ */
function whenHidden(flush: () => void): Subscription {
  const events = [fromEvent(globalThis, 'pagehide')];
  if (typeof document !== 'undefined') events.push(fromEvent(document, 'visibilitychange'));
  return merge(...events).subscribe(flush);
}
