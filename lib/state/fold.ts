import { defer, filter, map, startWith, Subscription, switchMap, type Observable } from 'rxjs';
import { BookmarkAheadError } from '../errors/bookmark-ahead-error';
import { JournalClosedError } from '../errors/journal-closed-error';
import { knownHead } from '../journal/known-head';
import { newestPosition } from '../journal/newest-position';
import { assertPosition, END, START, type Position, type Positioned } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { CheckpointSaver } from './checkpoint-saver';
import type { Checkpoint, CheckpointStore, Projection } from './projection';

/** Folds a journal into a state, entry by entry. */
export class Fold<E, S> {
  #state: S;
  #position: Position;
  #target: Position;
  #due: Position;
  /** Up to this position only `evolve` is needed: most entries are replayed. */
  #next: Position;

  /**
   * @param start - the state so far
   * @param target - the first position whose state is emitted
   * @param saver - receives a state now and then
   */
  constructor(
    readonly scrivener: Scrivener<E>,
    readonly projection: Projection<E, S>,
    start: Checkpoint<S>,
    target: Position,
    readonly saver?: CheckpointSaver<E, S>,
  ) {
    this.#state = start.state;
    this.#position = start.position;
    this.#target = target;
    this.#due = saver ? saver.due : END;
    this.#next = Math.min(target, this.#due);
  }

  get position(): Position {
    return this.#position;
  }

  get current(): Checkpoint<S> {
    return { position: this.#position, state: this.#state };
  }

  /** Whether the state should be emitted: it includes everything that the journal was known to hold when the first entry after the last emission came. */
  get isCaughtUp(): boolean {
    return this.#position >= this.#target;
  }

  /** Takes the next entry and returns `isCaughtUp`; throws what `evolve` throws, and is then unchanged. */
  take({ position, entry }: Positioned<E>): boolean {
    this.#state = this.projection.evolve(this.#state, entry, position);
    this.#position = position;
    return position >= this.#next && this.#arrive(position);
  }

  #arrive(position: Position): boolean {
    if (position > this.#target) this.#target = Math.max(position, knownHead(this.scrivener));
    if (position >= this.#due) this.#due = this.saver!.offer(this.current);
    this.#next = Math.min(Math.max(this.#target, position + 1), this.#due);
    return this.isCaughtUp;
  }

  /** Resolves when the last state is saved; rejects with the error that prevents it. */
  async end(): Promise<void> {
    await this.saver?.end(this.current);
  }
}

/** Where a fold starts, and how often a state is saved. */
export interface FoldOptions<S> {
  /** Default: the checkpoint, or the initial state. */
  readonly start?: Checkpoint<S> | undefined;
  readonly checkpoints?: CheckpointStore<S> | undefined;
  /** Default: none is saved. */
  readonly every?: number | undefined;
}

/** Emits a fold whose target is the journal's current end; synchronous if the journal is in memory and there is nothing to load. */
export function foldOf<E, S>(
  scrivener: Scrivener<E>,
  projection: Projection<E, S>,
  { start, checkpoints, every }: FoldOptions<S>,
): Observable<Fold<E, S>> {
  const startingFrom = (from: Checkpoint<S> = { position: START, state: projection.initial() }) =>
    newestPosition(scrivener).pipe(
      map((head) => {
        const { position } = from;
        if (position > head) throw new BookmarkAheadError(position, head, 'checkpoint');
        const saver =
          checkpoints && every !== undefined ? new CheckpointSaver(scrivener, checkpoints, every, position) : undefined;
        return new Fold(scrivener, projection, from, head, saver);
      }),
    );
  if (start || !checkpoints) return defer(() => startingFrom(start));
  return defer(() => loaded(checkpoints)).pipe(switchMap(startingFrom));
}

/** Emits the state when the fold has caught up, and then live; ends as the journal does. */
export function statesOf<E, S>(fold: Fold<E, S>): Observable<Checkpoint<S>> {
  const further = defer(() => fold.scrivener.tail(fold.position)).pipe(
    filter((record) => fold.take(record)),
    map(() => fold.current),
  );
  return fold.isCaughtUp ? further.pipe(startWith(fold.current)) : further;
}

/** Resolves with the state when a fold has caught up; rejects with {@link JournalClosedError} when the journal ends before that. */
export function caughtUp<E, S>(fold: Fold<E, S>, signal?: AbortSignal): Promise<Checkpoint<S>> {
  if (fold.isCaughtUp) return Promise.resolve(fold.current);
  // Written by hand: with a chain of operators, a decision costs ten times as much as its write.
  return new Promise((resolve, reject) => {
    const found = new Subscription();
    found.add(
      fold.scrivener.tail(fold.position, { signal }).subscribe({
        next: (record) => {
          try {
            if (found.closed || !fold.take(record)) return;
            resolve(fold.current);
          } catch (error) {
            reject(error);
          }
          found.unsubscribe();
        },
        error: reject,
        complete: () => reject(new JournalClosedError()),
      }),
    );
  });
}

/** The checkpoint in the store, if there is one that can be read. */
async function loaded<S>(checkpoints: CheckpointStore<S>): Promise<Checkpoint<S> | undefined> {
  try {
    const checkpoint = await checkpoints.load();
    if (!checkpoint || !('state' in checkpoint)) return undefined;
    assertPosition('position', checkpoint.position);
    return checkpoint;
  } catch {
    return undefined; // The state can be rebuilt from the journal.
  }
}
