import {
  catchError,
  concatWith,
  defer,
  finalize,
  firstValueFrom,
  ignoreElements,
  merge,
  Observable,
  switchMap,
  takeUntil,
  type Subscriber,
} from 'rxjs';
import { assertCount, assertMethods, assertOptions } from '../errors/assert-argument';
import { aborted, forwardAbort } from '../journal/abort';
import { pagedIterator } from '../journal/paged-stream';
import type { Scrivener } from '../journal/scrivener';
import { foldOf, statesOf, type Fold } from './fold';
import {
  assertCheckpoints,
  assertProjection,
  type Checkpoint,
  type CheckpointStore,
  type Projection,
} from './projection';

/** How {@link project} starts, saves and ends. */
export interface ProjectOptions<S> {
  /** Where to start instead of the journal's start, and where states are saved. */
  readonly checkpoints?: CheckpointStore<S>;
  /** How many entries lie between two checkpoints: an integer >= 1. The last state is also saved at the end. @default 1000 */
  readonly every?: number;
  /** Errors the stream with the signal's reason. */
  readonly signal?: AbortSignal;
}

const OPTIONS: Record<keyof ProjectOptions<never>, true> = { checkpoints: true, every: true, signal: true };

/**
 * The state of a projection, kept up to date: emits a state when replay has caught up, and then with each new entry.
 *
 * Cold: each subscription and each iteration folds on its own; `shareReplay({ bufferSize: 1, refCount: true })` lets several share one. Live, each
 * entry causes one emission, but entries that the journal already holds when the first of them arrives, such as those of a `writeAll`, cause only
 * one: nobody sees half of a group. In memory it emits synchronously. Iterated, it pulls, and a slow reader gets the newest state.
 *
 * With `checkpoints`, it starts from the one in the store, saves one after each `every` entries, and saves the last state when it ends or is unsubscribed, one
 * save at a time. None is ahead of what the journal has flushed ({@link flushingOf}), and only the end (completion, an error) waits for saves. A checkpoint that
 * cannot be read is ignored, and the state is built from the start.
 *
 * Completes with the journal. Errors with the error of `evolve`, of the journal, and of `checkpoints.save`; with {@link BookmarkAheadError} if the
 * checkpoint lies past the journal's end, with {@link PositionTrimmedError} if the journal no longer keeps an entry that is needed, and, at
 * the journal's end, with the error that kept it from being flushed.
 *
 * @throws TypeError or RangeError that names the wrong argument
 * @example
 * ```ts
 * project(scrivener, todos, { checkpoints }).subscribe(({ state, position }) => render(state, position));
 * for await (const { state } of project(scrivener, todos)) await show(state);
 * ```
 */
export function project<E, S>(
  scrivener: Scrivener<E>,
  projection: Projection<E, S>,
  options: ProjectOptions<S> = {},
): Observable<Checkpoint<S>> & AsyncIterable<Checkpoint<S>> {
  assertMethods('scrivener', scrivener, ['tail', 'readBackward']);
  assertProjection(projection);
  assertOptions('project', options, OPTIONS);
  const { checkpoints, every = 1_000, signal } = options;
  assertCheckpoints(checkpoints);
  assertCount('every', every);
  if (signal !== undefined) assertMethods('signal', signal, ['throwIfAborted', 'addEventListener']);

  const open = () => foldOf(scrivener, projection, { checkpoints, every });
  return new StateStream(
    (subscriber) => {
      forwardAbort(signal, subscriber);
      if (!subscriber.closed) subscriber.add(open().pipe(switchMap(pushed)).subscribe(subscriber));
    },
    () => pagedIterator((left) => pulled(open(), left), signal),
  );
}

/** States to subscribe to or to iterate. */
class StateStream<S> extends Observable<Checkpoint<S>> implements AsyncIterable<Checkpoint<S>> {
  readonly #iterate: () => AsyncIterator<Checkpoint<S>>;

  constructor(subscribe: (subscriber: Subscriber<Checkpoint<S>>) => void, iterate: () => AsyncIterator<Checkpoint<S>>) {
    super(subscribe);
    this.#iterate = iterate;
  }

  [Symbol.asyncIterator](): AsyncIterator<Checkpoint<S>> {
    return this.#iterate();
  }
}

function pushed<E, S>(fold: Fold<E, S>): Observable<Checkpoint<S>> {
  const states = statesOf(fold);
  if (!fold.saver) return states;
  return states.pipe(
    concatWith(defer(() => fold.end()).pipe(ignoreElements())),
    catchError(async (error: unknown) => {
      await ended(fold);
      throw error;
    }),
    takeUntil(fold.saver.failed$),
    finalize(() => void ended(fold)),
  );
}

async function* pulled<E, S>(fold$: Observable<Fold<E, S>>, left: AbortSignal): AsyncGenerator<Checkpoint<S>[], void> {
  const fold = await firstValueFrom(merge(aborted(left), fold$));
  const records = fold.scrivener.tail(fold.position)[Symbol.asyncIterator]();
  const release = () => {
    records.return?.().catch(() => undefined);
  };
  left.addEventListener('abort', release);
  const failed = fold.saver?.failed$.subscribe({ error: release });
  try {
    if (fold.isCaughtUp) yield [fold.current];
    for (let next = await records.next(); !next.done; next = await records.next()) {
      if (fold.take(next.value)) yield [fold.current];
    }
    await fold.end();
  } catch (error) {
    await ended(fold);
    throw error;
  } finally {
    failed?.unsubscribe();
    release();
    void ended(fold);
  }
}

/** Resolves when the last state is saved or cannot be: another error is reported, or nobody is subscribed any longer. */
function ended<E, S>(fold: Fold<E, S>): Promise<void> {
  return fold.end().catch(() => undefined);
}
