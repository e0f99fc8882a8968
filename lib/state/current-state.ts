import { firstValueFrom, merge } from 'rxjs';
import { assertMethods, assertOptions } from '../errors/assert-argument';
import { aborted } from '../journal/abort';
import type { Scrivener } from '../journal/scrivener';
import { caughtUp, foldOf } from './fold';
import { KeptState } from './kept-state';
import {
  assertCheckpoints,
  assertProjection,
  type Checkpoint,
  type CheckpointStore,
  type Projection,
} from './projection';

/** How {@link currentState} reads. */
export interface CurrentStateOptions<S> {
  /** Where to start instead of the journal's start; it is not saved to. */
  readonly checkpoints?: CheckpointStore<S>;
  /** Ends the reading with the signal's reason. */
  readonly signal?: AbortSignal;
}

const OPTIONS: Record<keyof CurrentStateOptions<never>, true> = { checkpoints: true, signal: true };

/**
 * Resolves with a projection's current state of a journal, and the journal's last position.
 *
 * A second call with the same scrivener and projection reads only newer entries. A journal that has ended also has a state. Rejects
 * with the error of `evolve`, with the journal's while it is read, with {@link PositionTrimmedError} if the journal no longer keeps an entry that
 * is needed, and with {@link BookmarkAheadError} if the checkpoint lies past the journal's end.
 *
 * @example
 * ```ts
 * const { state, position } = await currentState(scrivener, { initial: () => 0, evolve: (count: number) => count + 1 });
 * ```
 */
export async function currentState<E, S>(
  scrivener: Scrivener<E>,
  projection: Projection<E, S>,
  options: CurrentStateOptions<S> = {},
): Promise<Checkpoint<S>> {
  assertMethods('scrivener', scrivener, ['tail', 'readBackward']);
  assertProjection(projection);
  assertOptions('currentState', options, OPTIONS);
  const { checkpoints, signal } = options;
  assertCheckpoints(checkpoints);
  return newestState(scrivener, projection, new KeptState(scrivener, projection, checkpoints), { checkpoints, signal });
}

/** {@link currentState} without checks of its arguments. */
export async function newestState<E, S>(
  scrivener: Scrivener<E>,
  projection: Projection<E, S>,
  kept: KeptState<E, S>,
  { checkpoints, signal }: CurrentStateOptions<S>,
): Promise<Checkpoint<S>> {
  signal?.throwIfAborted();
  const fold$ = foldOf(scrivener, projection, { start: kept.get(), checkpoints });
  const fold = await firstValueFrom(signal ? merge(aborted(signal), fold$) : fold$);
  const current = await caughtUp(fold, signal);
  kept.set(current);
  return current;
}
