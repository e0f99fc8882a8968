import { Subject, takeUntil, type Observable } from 'rxjs';
import type { Position, Positioned } from '../journal/position';
import { deepEqual, equal, errorIs, type ErrorExpectation } from './assertions';
import { added, type ConformanceEntry } from './conformance-entry';

/** One record of the journals that the suite writes. */
export type ConformanceRecord = Positioned<ConformanceEntry>;

/** How a watched stream ended. */
export type WatchEnd = { readonly kind: 'completed' } | { readonly kind: 'errored'; readonly error: unknown };

/** Names what a case waits for, so that a case that takes too long can say it. */
export type Awaits = <V>(what: string, promise: Promise<V>) => Promise<V>;

/** The records from one position to another, as {@link added} fills the journal; descending when `from` is the later one. */
export function adds(from: Position, to: Position): ConformanceRecord[] {
  const step = from <= to ? 1 : -1;
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, index) => {
    const position = from + index * step;
    return { position, entry: added(position) };
  });
}

/** Subscribes to a stream, keeps everything that comes, and waits for it without assuming when it comes. */
export class Watch {
  readonly records: ConformanceRecord[] = [];
  end: WatchEnd | undefined;
  readonly #awaits: Awaits;
  readonly #stop = new Subject<void>();
  readonly #checks = new Set<() => void>();
  #stopped = false;

  /** @param react - called inside `next` with each record, when it was kept */
  constructor(
    awaits: Awaits,
    stream: Observable<ConformanceRecord>,
    react?: (record: ConformanceRecord, watch: Watch) => void,
  ) {
    this.#awaits = awaits;
    stream.pipe(takeUntil(this.#stop)).subscribe({
      next: (record) => {
        this.records.push(record);
        react?.(record, this);
        this.#check();
      },
      error: (error: unknown) => this.#finish({ kind: 'errored', error }),
      complete: () => this.#finish({ kind: 'completed' }),
    });
  }

  unsubscribe(): void {
    this.#stopped = true;
    this.#stop.next();
  }

  /** Waits until so many records came. */
  reaches(count: number): Promise<void> {
    return this.#until(`a reader to get ${count} records`, () => this.records.length >= count);
  }

  /** Waits for the records {@link adds | from one position to another}, and checks that nothing else came. */
  async gets(from: Position, to: Position): Promise<void> {
    const expected = adds(from, to);
    await this.reaches(expected.length);
    this.hasOnly(expected);
  }

  /** Checks what came so far. */
  hasOnly(expected: readonly ConformanceRecord[]): void {
    deepEqual(this.records, expected, 'What a reader got');
  }

  async completes(): Promise<void> {
    await this.#ends();
    equal(this.end?.kind, 'completed', 'How a stream ended');
  }

  /** Waits for the stream to error with this very value. */
  async errorsWith(reason: unknown): Promise<void> {
    await this.#ends();
    equal(this.end?.kind, 'errored', 'How a stream ended');
    equal((this.end as { error?: unknown }).error, reason, 'What a stream errored with');
  }

  /** Waits for the stream to error as expected. */
  async errors(expected: ErrorExpectation): Promise<void> {
    await this.#ends();
    equal(this.end?.kind, 'errored', 'How a stream ended');
    errorIs((this.end as { error?: unknown }).error, expected, 'What a stream errored with');
  }

  #ends(): Promise<void> {
    return this.#until('a stream to end', () => this.end !== undefined);
  }

  #finish(end: WatchEnd): void {
    if (this.#stopped) return;
    this.end = end;
    this.#check();
  }

  #check(): void {
    for (const check of this.#checks) check();
  }

  #until(what: string, condition: () => boolean): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
      const check = () => {
        if (condition()) resolve();
        else if (this.end === undefined) return;
        else reject(tooEarly(what, this.records.length, this.end));
        this.#checks.delete(check);
      };
      this.#checks.add(check);
      check();
    });
    return this.#awaits(what, promise);
  }
}

function tooEarly(what: string, count: number, end: WatchEnd): Error {
  const options = end.kind === 'errored' ? { cause: end.error } : undefined;
  return new Error(`Waited for ${what}, but the stream ${end.kind} after ${count}`, options);
}
