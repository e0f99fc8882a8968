import { distinctUntilChanged, map, merge, of, startWith, Subject, switchMap, type Observable } from 'rxjs';
import { assertMethods } from '../errors/assert-argument';
import type { DaemonStatus } from '../daemon/daemon-event';
import { FLUSHERS, type FlushedReads } from '../journal/flushed-tail';
import type { JournalStream } from '../journal/journal-stream';
import { END, type Position } from '../journal/position';
import type { Scrivener, WaitOptions } from '../journal/scrivener';
import { flushedOnly } from './flushed-only';

/** How far a journal is flushed: a crash can take back what comes after `flushed`. */
export interface Flushing {
  /** The last position that is flushed. */
  readonly flushed: Position;
  /** `flushed`, then each change. */
  readonly flushed$: Observable<Position>;
  /** Resolves when `position` is flushed; rejects with the error that prevents it, `TimeoutError`, and the signal's reason. */
  whenFlushed(position: Position, options?: WaitOptions): Promise<void>;
}

/** On a scrivener that wraps another: the inner one. The symbol is registered, because a program may load two copies of this package. */
export const INNER = Symbol.for('rx-scrivener.inner');

type CountedFlusher = Flushing & { readonly status: DaemonStatus };

interface Carrier {
  readonly [INNER]?: Carrier;
  readonly [FLUSHERS]?: Flushers;
}

/**
 * How far a journal is flushed; `undefined` if nothing flushes it: then all of it counts as flushed. Flushers come and go, so call it each time.
 *
 * A scrivener that has the members of {@link Flushing} is its own answer; for a wrapper, the inner scrivener answers. For any other, the
 * {@link FlusherDaemon}s that run over it answer: an entry is flushed when each of them has flushed it. A failed flusher still counts, until another
 * replaces it by starting at or before the position where it stopped.
 *
 * @example
 * ```ts
 * await flushingOf(scrivener)?.whenFlushed(position);
 * ```
 */
export function flushingOf<T>(scrivener: Scrivener<T>): Flushing | undefined {
  assertMethods('scrivener', scrivener, ['tail']);
  let carrier: Carrier = scrivener as Carrier;
  while (!isFlushing(carrier)) {
    const { [INNER]: inner, [FLUSHERS]: flushers } = carrier;
    if (inner === undefined) return flushers?.isEmpty === false ? flushers : undefined;
    carrier = inner;
  }
  return carrier;
}

/** Registers a flusher for its journal; returns a function that removes it, to be called when it has completed. */
export function countFlusher<T>(scrivener: Scrivener<T>, flusher: CountedFlusher): () => void {
  const carrier: Carrier = innermost(scrivener);
  const flushers = carrier[FLUSHERS] ?? new Flushers();
  Reflect.defineProperty(carrier, FLUSHERS, { value: flushers, configurable: true });
  return flushers.add(flusher);
}

/** The scrivener inside all wrappers. */
export function innermost(scrivener: object): object {
  const { [INNER]: inner } = scrivener as Carrier;
  return inner ? innermost(inner) : scrivener;
}

function isFlushing(carrier: object): carrier is Flushing {
  const { flushed, flushed$, whenFlushed } = carrier as Partial<Flushing>;
  return typeof flushed === 'number' && flushed$ !== undefined && typeof whenFlushed === 'function';
}

/** The flushers of one journal, combined. */
class Flushers implements Flushing, FlushedReads {
  readonly #flushers = new Set<CountedFlusher>();
  readonly #changes = new Subject<void>();

  get isEmpty(): boolean {
    return this.#flushers.size === 0;
  }

  get flushed(): Position {
    return Math.min(END, ...[...this.#flushers].map(({ flushed }) => flushed));
  }

  get flushed$(): Observable<Position> {
    return this.#changes.pipe(
      startWith(undefined),
      switchMap(() => merge(of(undefined), ...[...this.#flushers].map(({ flushed$ }) => flushed$))),
      map(() => this.flushed),
      distinctUntilChanged(),
    );
  }

  async whenFlushed(position: Position, options?: WaitOptions): Promise<void> {
    await Promise.all(
      [...this.#flushers].map(async (flusher) => {
        try {
          await flusher.whenFlushed(position, options);
        } catch (error) {
          // A flusher that has completed, or was replaced, no longer counts.
          if (this.#flushers.has(flusher)) throw error;
        }
      }),
    );
  }

  only<T>(stream: JournalStream<T>, signal?: AbortSignal): JournalStream<T> {
    return flushedOnly(stream, this, signal);
  }

  add(flusher: CountedFlusher): () => void {
    for (const other of this.#flushers) {
      if (other.status === 'Failed' && flusher.flushed <= other.flushed) this.#flushers.delete(other);
    }
    this.#flushers.add(flusher);
    this.#changes.next();
    return () => {
      this.#flushers.delete(flusher);
      this.#changes.next();
    };
  }
}
