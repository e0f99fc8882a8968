import { BehaviorSubject, concatMap, filter, switchMap, take, type RetryConfig } from 'rxjs';
import { NotSupportedError } from '../../errors/not-supported-error';
import type { DaemonEvent } from '../../daemon/daemon-event';
import type { FlushPredicate, Snapshot } from '../../flush/flush-predicate';
import type { FlushSink } from '../../flush/flush-sink';
import { FlusherDaemon } from '../../flush/flusher-daemon';
import { NOT_FLUSHED, notFlushed } from '../../flush/not-flushed';
import { reportTo, retrying } from '../../flush/retrying';
import { Queue } from '../../journal/queue';
import type { Position } from '../../journal/position';
import type { Scrivener } from '../../journal/scrivener';
import { fromInput } from '../../operators/from-input';
import { publish } from './diagnostics';
import { countLines, EncodedLines, withoutLines, type Chunk } from '../lines/encoded-lines';
import { JournalStore } from '../store/journal-store';

/** The lines of unflushed entries, each made when its entry was written. */
export interface PendingLines {
  push(line: string): void;
}

/** Options of a file's flushers. */
export interface FlushingOptions<T> {
  readonly filePath: string;
  readonly scrivener: Scrivener<T>;
  readonly predicate: FlushPredicate<T>;
  readonly flushQueueCapacity: number;
  readonly daemonEvents: Scrivener<DaemonEvent>;
  readonly retry: RetryConfig | undefined;
  /** Whether everything that waits while the sink is busy becomes one batch, because each batch costs a sync. */
  readonly groupsCommits: boolean;
}

/** The lines of a snapshot, taken from those that wait. */
interface Taken {
  /** Persists the snapshot with these lines; called again for each retry. */
  keep(): Promise<void>;
  /** Puts the lines back to wait. */
  giveBack(): void;
}

type Take<T> = (snapshot: Snapshot<T>) => Taken;

/** Moves a journal into its file, or into the sink that replaces the file. */
export class Flushing<T> {
  readonly lines: PendingLines;
  readonly #options: FlushingOptions<T>;
  readonly #sink: FlushSink<T> | JournalStore<T>;
  readonly #takeLines: Take<T>;
  readonly #isIdle = new BehaviorSubject(true);
  /** The lines that a flusher has taken and not persisted yet. */
  #taken: Taken | undefined;
  /** Whether a warning was given since the last successful flush. */
  #isReported = false;

  private constructor(
    options: FlushingOptions<T>,
    sink: FlushSink<T> | JournalStore<T>,
    lines: PendingLines,
    /** Writes everything up to the journal's last position to the file before it returns; throws the error that prevents it. */
    readonly flushSync: (head: Position) => void,
    takeLines: Take<T>,
  ) {
    this.#options = options;
    this.#sink = sink;
    this.lines = lines;
    this.#takeLines = takeLines;
  }

  static into<T>(sink: FlushSink<T>, options: FlushingOptions<T>): Flushing<T> {
    const lines = new Queue<string>();
    const flushSync = () => {
      throw new NotSupportedError('a sink of your own is not flushed synchronously');
    };
    return new Flushing(options, sink, lines, flushSync, (snapshot) => {
      const taken = snapshot.map(() => lines.shift()!);
      return {
        keep: async () => sink.append(snapshot, taken),
        giveBack: () => taken.reverse().forEach((line) => lines.unshift(line)),
      };
    });
  }

  static intoFile<T>(store: JournalStore<T>, options: FlushingOptions<T>): Flushing<T> {
    const lines = new EncodedLines();
    let underWay: readonly Chunk[] = [];
    const flushSync = (head: Position) => {
      const chunks = [...underWay, ...lines.all()];
      const first = head + 1 - countLines(chunks);
      store.appendSync(withoutLines(chunks, store.last + 1 - first));
    };
    return new Flushing(options, store, lines, flushSync, (snapshot) => {
      const taken = (underWay = lines.take(snapshot.length));
      const forget = () => {
        underWay = [];
      };
      return {
        keep: () => store.append(snapshot, () => taken).then(forget),
        giveBack: () => {
          forget();
          lines.giveBack(taken);
        },
      };
    });
  }

  /** Puts back the lines that a flusher took and did not persist: the next flusher takes them. */
  giveBack(): void {
    this.#taken?.giveBack();
    this.#taken = undefined;
  }

  /** Starts a flusher for the entries after a position; `onCreated` receives it before it runs. */
  async start(after: Position, onCreated?: (flusher: FlusherDaemon<T>) => void): Promise<FlusherDaemon<T>> {
    const { scrivener, predicate, flushQueueCapacity, daemonEvents, groupsCommits, filePath } = this.#options;
    this.#isIdle.next(true);
    this.#isReported = false;
    const flusher: FlusherDaemon<T> = new FlusherDaemon<T>({
      scrivener,
      sink: this.#watched(() => flusher.name),
      predicate: groupsCommits ? this.#onceSinkIsIdle(predicate) : predicate,
      flushQueueCapacity,
      after,
      daemonEvents,
    });
    flusher.waitForFailure().then(
      (error) => {
        publish('rx-scrivener:failed', () => ({ filePath, flushed: flusher.flushed, error }));
        this.#warn(flusher.flushed, String(error));
      },
      () => undefined, // it completed
    );
    onCreated?.(flusher);
    await flusher.start();
    return flusher;
  }

  /** While a batch is being synced, the next one grows: everything that waits becomes one batch. */
  #onceSinkIsIdle(predicate: FlushPredicate<T>): FlushPredicate<T> {
    return (snapshots) =>
      fromInput(snapshots.pipe(predicate)).pipe(
        take(1),
        switchMap(() => this.#isIdle.pipe(filter((isIdle) => isIdle))),
        // Writers that waited for the previous batch have written by then, and share the next sync.
        concatMap(() => new Promise<void>((resolve) => void setImmediate(resolve))),
        filter(() => this.#isIdle.value),
      );
  }

  #watched(name: () => string): FlushSink<T> {
    const sink = this.#sink;
    const append = (snapshot: Snapshot<T>) => this.#append(snapshot, name);
    return {
      get bytes() {
        return sink.bytes;
      },
      append,
      async close() {
        await (sink instanceof JournalStore ? sink.release() : sink.close?.());
      },
    };
  }

  async #append(snapshot: Snapshot<T>, name: () => string): Promise<void> {
    const { filePath, retry, daemonEvents } = this.#options;
    const first = snapshot[0]!.position;
    const before = this.#sink.bytes ?? 0;
    const start = performance.now();
    const taken = (this.#taken = this.#takeLines(snapshot));
    this.#isIdle.next(false);
    const keep = () => taken.keep();
    const report = reportTo(daemonEvents, name);
    const reportRetry = (error: unknown, count: number) => {
      report(error, count);
      this.#warn(first - 1, `${String(error)}; it is retried`);
    };
    await (retry ? retrying(keep, retry, isTransient, first, reportRetry) : keep());
    this.#taken = undefined;
    this.#isReported = false;
    publish('rx-scrivener:flushed', () => ({
      filePath,
      first,
      last: snapshot.at(-1)!.position,
      bytes: this.#sink.bytes === undefined ? undefined : this.#sink.bytes - before,
      durationMs: performance.now() - start,
    }));
    // The flusher counts the batch first, and then cuts the next one.
    queueMicrotask(() => this.#isIdle.next(true));
  }

  /** The journal continues in memory, but not silently: it warns once, and again only after something has reached the file. */
  #warn(flushed: Position, detail: string): void {
    if (this.#isReported) return;
    this.#isReported = true;
    const message = notFlushed(this.#options.filePath, flushed);
    process.emitWarning(message, { type: 'ScrivenerWarning', code: NOT_FLUSHED, detail });
  }
}

/** Transient errors: the system is busy, or the disk is full until somebody makes room. */
const TRANSIENT = ['EAGAIN', 'EBUSY', 'ENOSPC', 'EDQUOT', 'EINTR', 'EMFILE', 'ENFILE'];

function isTransient(error: unknown): boolean {
  // Compares codes, not classes: the error may come from another realm.
  return TRANSIENT.includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}
