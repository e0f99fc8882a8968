import { asyncScheduler, startWith, Subject, switchMap, throttleTime, type Observable, type Subscription } from 'rxjs';
import type { ConnectionStatus } from '../../journal/connection-status';
import type { Position } from '../../journal/position';
import type { Scrivener } from '../../journal/scrivener';
import { describeError } from '../terminal/describe-error';
import type { Line } from './line';
import type { Extent, LineSource } from './line-source';

/** A journal that can be followed, and released. */
export interface OpenJournal extends Scrivener<unknown> {
  readonly head: Position;
  readonly first?: Position;
  /** How its server is reached, where it has one. */
  readonly connected$?: Observable<ConnectionStatus>;
  close(): Promise<void>;
}

/** Its size is looked at so often, at most. */
const SIZE_MS = 1_000;

/** The entries of a journal: one with closed segments, or one that a server has. */
export class JournalLines implements LineSource {
  readonly changes$ = new Subject<void>();
  readonly samples = 100;
  readonly #journal: OpenJournal;
  readonly #name: string;
  readonly #following: Subscription;
  #error: string | undefined;
  #lost: string | undefined;
  #sizeBytes: number | undefined;
  #isOver = false;

  /** @param sizeOf - how many bytes its files take, where it has any */
  constructor(journal: OpenJournal, name: string, sizeOf?: () => Promise<number | undefined>) {
    this.#journal = journal;
    this.#name = name;
    this.#following = journal.tail(journal.head).subscribe({
      next: () => this.changes$.next(),
      error: (error: unknown) => {
        this.#error = describeError(error, name);
        this.#isOver = true;
        this.changes$.next();
      },
    });
    const connection = journal.connected$?.subscribe((status) => {
      this.#lost = status.status === 'retrying' ? describeError(status.error, name) : undefined;
      this.changes$.next();
    });
    this.#following.add(connection);
    if (sizeOf === undefined) return;
    const size$ = journal
      .tail(journal.head)
      .pipe(
        startWith(undefined),
        throttleTime(SIZE_MS, asyncScheduler, { leading: true, trailing: true }),
        switchMap(sizeOf),
      );
    const sizes = size$.subscribe({
      next: (sizeBytes) => {
        this.#sizeBytes = sizeBytes;
        this.changes$.next();
      },
      // It is told above.
      error: () => undefined,
    });
    this.#following.add(sizes);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get extent(): Extent {
    const { head, first = 1 } = this.#journal;
    return { first, head, generation: 1, sizeBytes: this.#sizeBytes, error: this.#error ?? this.#lost };
  }

  async *lines(from: number, to: number): AsyncGenerator<Line, void> {
    const { first, head } = this.extent;
    const last = Math.min(to, head);
    const n = Math.max(from, first);
    if (n > last) return;
    try {
      // The newest come first: a server that is asked for what comes after a position sends all of it.
      const lines: Line[] = [];
      for await (const { position, entry } of this.#journal.readBackward(last + 1)) {
        if (position < n) break;
        const text = JSON.stringify(entry);
        lines.push({ n: position, position, entry, text, bytes: Buffer.byteLength(text) });
        if (position === n) break;
      }
      yield* lines.reverse();
    } catch (error) {
      yield { n, text: '', bytes: 0, damage: describeError(error, this.#name) };
    }
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
