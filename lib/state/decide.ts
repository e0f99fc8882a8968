import { NotSupportedError } from '../errors/not-supported-error';
import { isConflict } from '../errors/position-conflict-error';
import { assertFunction, assertMethods, assertOptions } from '../errors/assert-argument';
import { inTurn } from '../journal/in-turn';
import { assertPosition, type Position } from '../journal/position';
import type { GroupWriter, Scrivener, WriteOptions } from '../journal/scrivener';
import { newestState } from './current-state';
import { caughtUp, Fold } from './fold';
import { KeptState } from './kept-state';
import {
  assertCheckpoints,
  assertProjection,
  type Checkpoint,
  type CheckpointStore,
  type Projection,
} from './projection';

/** How {@link decide} decides. */
export interface DecideOptions<S> {
  /** How often to decide again if other entries came first: an integer >= 0. @default 10 */
  readonly retries?: number;
  /** Where to start instead of the journal's start; it is not saved to. */
  readonly checkpoints?: CheckpointStore<S>;
  /** Rejects with the signal's reason, with nothing appended, if it is aborted before the append. */
  readonly signal?: AbortSignal;
}

const OPTIONS: Record<keyof DecideOptions<never>, true> = { retries: true, checkpoints: true, signal: true };

/**
 * Decides from a journal's state what to append, and appends it only if no other entry came first; otherwise decides again.
 *
 * `decision` gives an entry, several, which are appended as a group, or none. Resolves with the state after these entries, its position, and the
 * positions written. Callers in one process take turns, so `decision` must wait for neither `decide` nor {@link writeOnce} on the same
 * journal.
 *
 * Rejects, with nothing appended, with {@link PositionConflictError} when other entries came first `retries` + 1 times, with
 * `NotSupportedError` for several entries where the journal has no `writeAll`, with the errors of `decision` and `write`, and as
 * {@link currentState} does. If `evolve` throws for an entry of `decision`, or the journal cannot be read any longer, the entries may be appended
 * when it rejects.
 *
 * @example
 * ```ts
 * const count = { initial: () => 0, evolve: (count: number) => count + 1 };
 * await decide(scrivener, count, (count) => (count < 10 ? { type: 'Said', who: 'me', text: `${count}` } : undefined));
 * ```
 */
export async function decide<const E, S>(
  scrivener: Scrivener<E>,
  projection: Projection<E, S>,
  decision: (state: S, position: Position) => E | readonly E[] | undefined | Promise<E | readonly E[] | undefined>,
  options: DecideOptions<S> = {},
): Promise<Checkpoint<S> & { readonly written: readonly Position[] }> {
  assertMethods('scrivener', scrivener, ['write', 'tail', 'readBackward']);
  assertProjection(projection);
  assertFunction('decision', decision);
  assertOptions('decide', options, OPTIONS);
  const { retries = 10, checkpoints, signal } = options;
  assertPosition('retries', retries);
  assertCheckpoints(checkpoints);
  const kept = new KeptState(scrivener, projection, checkpoints);
  const readThrough = (position: Position, from: Checkpoint<S>, signal?: AbortSignal) =>
    caughtUp(new Fold(scrivener, projection, from, position), signal);

  const readAndDecide = async () => {
    let current = await newestState(scrivener, projection, kept, { checkpoints, signal });
    for (let left = retries; ; left--) {
      const decided = await decision(current.state, current.position);
      const entries = decided === undefined ? [] : Array.isArray(decided) ? (decided as readonly E[]) : [decided as E];
      try {
        const written: Position[] = await append(scrivener, entries, { expect: current.position, signal });
        const through = written.at(-1);
        if (through !== undefined) kept.set((current = await readThrough(through, current)));
        return { ...current, written };
      } catch (error) {
        if (!isConflict(error) || left === 0 || error.actual <= current.position) throw error;
        kept.set((current = await readThrough(error.actual, current, signal)));
      }
    }
  };
  return inTurn(scrivener, readAndDecide, signal);
}

async function append<E>(scrivener: Scrivener<E>, entries: readonly E[], options: WriteOptions): Promise<Position[]> {
  options.signal?.throwIfAborted();
  if (entries.length === 0) return [];
  if (entries.length === 1) return [await scrivener.write(entries[0]!, options)];
  const { writeAll } = scrivener as Partial<GroupWriter<E>>;
  if (!writeAll) throw new NotSupportedError('several entries at once, because the journal has no `writeAll`');
  return writeAll.call(scrivener, entries, options);
}
