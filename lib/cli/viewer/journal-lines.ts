import {
  asyncScheduler,
  share,
  startWith,
  Subject,
  switchMap,
  throttleTime,
  type Observable,
  type Subscription,
} from 'rxjs';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { isTrimmed } from '../../errors/position-trimmed-error';
import type { ConnectionStatus } from '../../journal/connection-status';
import type { Position, Positioned } from '../../journal/position';
import type { Scrivener } from '../../journal/scrivener';
import { describeError } from '../terminal/describe-error';
import { TOO_DEEP, withEntry, type Line } from './line';
import type { Extent, LineSource } from './line-source';

/** A journal that can be followed, and released. */
export interface OpenJournal extends Scrivener<unknown> {
  readonly head: Position;
  readonly first?: Position;
  /** Whether its server answers, if it has one. */
  readonly connected$?: Observable<ConnectionStatus>;
  close(): Promise<void>;
}

/** The files of a journal on this machine. */
export interface OpenFiles {
  /** Their size together. */
  sizeBytes(): Promise<number | undefined>;
  /** Their lines from one position to another, damage included. */
  salvage(from: Position, to: Position): AsyncIterable<Line>;
}

/** What is known of a journal beside its entries. */
export interface JournalFacts {
  /** Whether its server answers. Default: what the journal says */
  readonly connected$?: Observable<ConnectionStatus>;
  readonly files?: OpenFiles;
  /** Its last flushed position, and each change; `undefined` while that is unknown. */
  readonly flushed$?: Observable<Position | undefined>;
}

/** The shortest interval between two looks at the size. */
const SIZE_MS = 1_000;
/** The most entries that are read backward at a time, and about the most bytes: they are held until the first of them is here. */
const AT_ONCE = 100;
const AT_ONCE_BYTES = 4 * 1024 * 1024;

/** The entries of a journal that has closed segments, or that is on a server. */
export class JournalLines implements LineSource {
  readonly changes$ = new Subject<void>();
  readonly samples = 100;
  readonly #journal: OpenJournal;
  readonly #name: string;
  readonly #files: OpenFiles | undefined;
  readonly #following: Subscription;
  #error: string | undefined;
  #lost: string | undefined;
  #sizeBytes: number | undefined;
  #flushed: Position | undefined;
  #isOver = false;

  constructor(
    journal: OpenJournal,
    name: string,
    { files, flushed$, connected$ = journal.connected$ }: JournalFacts = {},
  ) {
    this.#journal = journal;
    this.#name = name;
    this.#files = files;
    const entries$ = journal.tail(journal.head).pipe(share());
    this.#following = entries$.subscribe({
      next: () => this.changes$.next(),
      error: (error: unknown) => {
        this.#error = describeError(error, name);
        this.#isOver = true;
        this.changes$.next();
      },
    });
    const connection = connected$?.subscribe((status) => {
      this.#lost = status.status === 'retrying' ? describeError(status.error, name) : undefined;
      this.changes$.next();
    });
    this.#following.add(connection);
    const flushed = flushed$?.subscribe((position) => {
      this.#flushed = position;
      this.changes$.next();
    });
    this.#following.add(flushed);
    if (files === undefined) return;
    const size$ = entries$.pipe(
      startWith(undefined),
      throttleTime(SIZE_MS, asyncScheduler, { leading: true, trailing: true }),
      switchMap(() => files.sizeBytes()),
    );
    const sizes = size$.subscribe({
      next: (sizeBytes) => {
        this.#sizeBytes = sizeBytes;
        this.changes$.next();
      },
      // Reported above.
      error: () => undefined,
    });
    this.#following.add(sizes);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get extent(): Extent {
    const { head, first = 1 } = this.#journal;
    const [sizeBytes, flushed] = [this.#sizeBytes, this.#flushed];
    return { first, head, generation: 1, sizeBytes, flushed, error: this.#error ?? this.#lost };
  }

  lines(from: number, to: number): AsyncGenerator<Line, void> {
    const { first, head } = this.extent;
    const [begin, last] = [Math.max(from, first), Math.min(to, head)];
    return this.#files ? this.#read(begin, last, this.#files) : this.#ask(begin, last);
  }

  async *#read(from: number, last: number, files: OpenFiles): AsyncGenerator<Line, void> {
    let next = from;
    while (next <= last) {
      try {
        for await (const record of this.#journal.tail(next - 1)) {
          yield lineOf(record);
          next = record.position + 1;
          if (next > last) return;
        }
        // It was closed.
        return;
      } catch (error) {
        if (isTrimmed(error) && error.first > next) next = error.first;
        else if (error instanceof CorruptJournalError) {
          for await (const line of files.salvage(next, last)) yield line;
          return;
        } else {
          yield this.#damaged(next, error);
          return;
        }
      }
    }
  }

  /** In parts, each read backward: if asked for what comes after a position, a server sends all of it. */
  async *#ask(from: number, last: number): AsyncGenerator<Line, void> {
    let atOnce = AT_ONCE;
    for (let begin = from; begin <= last;) {
      const before = Math.min(begin + atOnce, last + 1);
      const lines = await this.#before(before, begin);
      if (lines === undefined) atOnce = Math.ceil((before - begin) / 2);
      else {
        yield* lines.reverse();
        begin = before;
      }
    }
  }

  /** The lines before a position, the newest first, down to another one; `undefined` if they are too many bytes to be held. */
  async #before(before: number, begin: number): Promise<Line[] | undefined> {
    const lines: Line[] = [];
    let bytes = 0;
    try {
      for await (const record of this.#journal.readBackward(before)) {
        if (record.position >= begin) lines.push(lineOf(record));
        if (record.position <= begin) break;
        if ((bytes += lines.at(-1)!.bytes) > AT_ONCE_BYTES) return undefined;
      }
    } catch (error) {
      // Entries that were dropped meanwhile are not damage.
      if (!isTrimmed(error)) lines.push(this.#damaged((lines.at(-1)?.n ?? before) - 1, error));
    }
    return lines;
  }

  #damaged(n: number, error: unknown): Line {
    return { n, text: '', bytes: 0, damage: describeError(error, this.#name) };
  }

  async find(position: number): Promise<number> {
    return position;
  }

  async close(): Promise<void> {
    this.#following.unsubscribe();
    this.changes$.complete();
    await this.#journal.close();
  }
}

function lineOf({ position, entry }: Positioned<unknown>): Line {
  const line = { n: position, position };
  try {
    const text = JSON.stringify(entry);
    return withEntry({ ...line, text, bytes: Buffer.byteLength(text) }, entry);
  } catch {
    // It was parsed from JSON, so only its depth can be the reason.
    return { ...line, text: '', bytes: 0, damage: TOO_DEEP };
  }
}
