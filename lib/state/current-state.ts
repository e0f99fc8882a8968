import type { Scrivener } from '../journal/scrivener';
import { fold, initially, loaded } from './fold';
import { KeptState } from './kept-state';
import { assertProjection, type Checkpoint, type CheckpointStore, type Projection } from './projection';

/** How {@link currentState} reads. */
export interface CurrentStateOptions<S> {
  /** Where to start instead of the journal's start; it is not saved to. */
  readonly checkpoints?: CheckpointStore<S>;
  /** Ends the reading with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Resolves with what a journal adds up to now, and with its last position.
 *
 * A second call with the same scrivener and projection reads only what came since the first. A journal that has ended has a state, too. Rejects
 * with the error of `evolve`, with the journal's while it is read, with {@link PositionTrimmedError} when the journal no longer keeps an entry that
 * is needed, and with {@link BookmarkAheadError} when the checkpoint lies past the journal's end.
 *
 * @example
 * ```ts
 * const { state, position } = await currentState(scrivener, { initial: () => 0, evolve: (count: number) => count + 1 });
 * ```
 */
export async function currentState<E, S>(
  scrivener: Scrivener<E>,
  projection: Projection<E, S>,
  { checkpoints, signal }: CurrentStateOptions<S> = {},
): Promise<Checkpoint<S>> {
  assertProjection(projection);
  signal?.throwIfAborted();
  const kept = new KeptState(scrivener, projection, checkpoints);
  const start = kept.get() ?? (checkpoints ? await loaded(projection, checkpoints, signal) : initially(projection));
  const current = await fold(scrivener, projection, start, { signal });
  kept.set(current);
  return current;
}
