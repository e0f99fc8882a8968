import type { RetryConfig } from 'rxjs';
import type { DaemonEvent } from '../daemon/daemon-event';
import { toLine, type EntrySerializer } from '../flush/entry-serializer';
import type { FlushPredicate, Snapshot } from '../flush/flush-predicate';
import { FlusherDaemon } from '../flush/flusher-daemon';
import { NOT_FLUSHED, notFlushed } from '../flush/not-flushed';
import { reportTo, retrying } from '../flush/retrying';
import type { Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import type { IndexedDbSink } from './indexed-db-sink';

/** Options of a database's flushers. */
export interface IndexedDbFlushingOptions<T> {
  readonly name: string;
  readonly scrivener: Scrivener<T>;
  readonly sink: IndexedDbSink<T>;
  readonly serializer: EntrySerializer<T>;
  readonly predicate: FlushPredicate<T>;
  readonly flushQueueCapacity: number;
  readonly daemonEvents: Scrivener<DaemonEvent>;
  readonly retry: RetryConfig | undefined;
}

/** Transient errors: somebody may make room, and a browser is not busy forever. */
const TRANSIENT = ['QuotaExceededError', 'AbortError', 'InvalidStateError', 'TimeoutError', 'UnknownError'];

/** Moves a journal into its database, with one flusher after the other. */
export class IndexedDbFlushing<T> {
  readonly #options: IndexedDbFlushingOptions<T>;
  /** The lines of unflushed entries, each made when its entry was written. */
  readonly #lines = new Map<Position, string>();
  /** Whether a warning was given since the last successful flush. */
  #isReported = false;

  constructor(options: IndexedDbFlushingOptions<T>) {
    this.#options = options;
  }

  /** Keeps the line of an entry until it is flushed. */
  keep(position: Position, line: string): void {
    this.#lines.set(position, line);
  }

  /** Starts a flusher for the entries after a position; `onCreated` receives it before it runs. */
  async start(after: Position, onCreated?: (flusher: FlusherDaemon<T>) => void): Promise<FlusherDaemon<T>> {
    const { scrivener, sink, predicate, flushQueueCapacity, daemonEvents } = this.#options;
    this.#isReported = false;
    const flusher: FlusherDaemon<T> = new FlusherDaemon<T>({
      scrivener,
      sink: {
        append: (snapshot) => this.#append(snapshot, flusher.name),
        close: () => sink.close(),
      },
      predicate,
      flushQueueCapacity,
      after,
      daemonEvents,
    });
    flusher.waitForFailure().then(
      (error) => this.#warn(flusher.flushed, String(error)),
      () => undefined, // it completed
    );
    onCreated?.(flusher);
    await flusher.start();
    return flusher;
  }

  /** Where a flusher continues after another one has failed: after what the database then holds. */
  async after(failed: FlusherDaemon<T>): Promise<Position> {
    return Math.min(failed.flushed, await this.#options.sink.last());
  }

  async #append(snapshot: Snapshot<T>, name: string): Promise<void> {
    const { sink, retry, daemonEvents } = this.#options;
    const lines = snapshot.map((record) => this.#lineOf(record));
    const keep = () => sink.append(snapshot, lines);
    const first = snapshot[0]!.position;
    const report = reportTo(daemonEvents, () => name);
    const reportRetry = (error: unknown, count: number) => {
      report(error, count);
      this.#warn(first - 1, `${String(error)}; it is retried`);
    };
    await (retry ? retrying(keep, retry, isTransient, first, reportRetry) : keep());
    this.#isReported = false;
    for (const { position } of snapshot) this.#lines.delete(position);
  }

  /** An entry that was flushed, and is no longer in the database, has no kept line. */
  #lineOf(record: Snapshot<T>[number]): string {
    return this.#lines.get(record.position) ?? toLine(this.#options.serializer, record);
  }

  /** The journal continues in memory, but not silently: it warns once, and again only after something has reached the database. */
  #warn(flushed: Position, detail: string): void {
    if (this.#isReported) return;
    this.#isReported = true;
    const { name, sink } = this.#options;
    const held = Math.min(flushed, sink.held);
    console.warn(`${NOT_FLUSHED}: ${notFlushed(`indexeddb:${name}`, held)}: ${detail}`);
  }
}

function isTransient(error: unknown): boolean {
  return TRANSIENT.includes((error as Error | undefined)?.name ?? '');
}
