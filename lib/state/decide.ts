import { NotSupportedError } from '../errors/not-supported-error';
import { isConflict } from '../errors/position-conflict-error';
import { assertFunction } from '../errors/assert-argument';
import { assertPosition, type Position } from '../journal/position';
import type { GroupWriter, Scrivener, WriteOptions } from '../journal/scrivener';
import { currentState } from './current-state';
import { fold } from './fold';
import { KeptState } from './kept-state';
import { assertProjection, type Checkpoint, type CheckpointStore, type Projection } from './projection';

/** How {@link decide} decides. */
export interface DecideOptions<S> {
  /** How often to decide again when other entries came first: an integer >= 0. @default 10 */
  readonly retries?: number;
  /** Where to start instead of the journal's start; it is not saved to. */
  readonly checkpoints?: CheckpointStore<S>;
  /** Rejects with the signal's reason, with nothing appended, if it is aborted before the append. */
  readonly signal?: AbortSignal;
}

/** The end of the newest call on each journal: callers of one process take turns, rather than each lose to all the others. */
const turns = new WeakMap<object, Promise<unknown>>();

/**
 * Decides by a journal's state what to append, and appends it only if nothing came between; else decides again.
 *
 * `decision` gives an entry, several, which are appended as a group, or none. Resolves with the state after these entries, its position, and the
 * positions written. Callers in one process take turns, so `decision` must not wait for another `decide` on the same journal.
 *
 * Rejects, with nothing appended, with {@link PositionConflictError} when other entries came first `retries` + 1 times, with
 * `NotSupportedError` for several entries where the journal has no `writeAll`, with the errors of `decision` and `write`, and as
 * {@link currentState} does.
 *
 * @example
 * ```ts
 * const count = { initial: () => 0, evolve: (count: number) => count + 1 };
 * await decide(scrivener, count, (count) => (count < 10 ? { type: 'Said', who: 'me', text: `${count}` } : undefined));
 * ```
 */
export function decide<E, S>(
  scrivener: Scrivener<E>,
  projection: Projection<E, S>,
  decision: (state: S, position: Position) => E | readonly E[] | undefined | Promise<E | readonly E[] | undefined>,
  { retries = 10, checkpoints, signal }: DecideOptions<S> = {},
): Promise<Checkpoint<S> & { readonly written: readonly Position[] }> {
  const before = turns.get(scrivener);
  const run = async () => {
    assertProjection(projection);
    assertFunction('decision', decision);
    assertPosition('retries', retries);
    await before;
    const kept = new KeptState(scrivener, projection, checkpoints);
    const { head } = scrivener as { readonly head?: Position };
    let current = kept.get();
    if (!current || current.position !== head)
      current = await currentState(scrivener, projection, { checkpoints, signal });
    for (let left = retries; ; left--) {
      const decided = await decision(current.state, current.position);
      const entries = decided === undefined ? [] : Array.isArray(decided) ? (decided as readonly E[]) : [decided as E];
      try {
        const written: Position[] = await append(scrivener, entries, { expect: current.position, signal });
        const through = written.at(-1);
        if (through !== undefined) kept.set((current = await fold(scrivener, projection, current, { through })));
        return { ...current, written };
      } catch (error) {
        if (!isConflict(error) || left === 0 || error.actual <= current.position) throw error;
        kept.set((current = await fold(scrivener, projection, current, { signal, through: error.actual })));
      }
    }
  };
  const turn = run();
  turns.set(
    scrivener,
    turn.catch(() => undefined),
  );
  return turn;
}

async function append<E>(scrivener: Scrivener<E>, entries: readonly E[], options: WriteOptions): Promise<Position[]> {
  options.signal?.throwIfAborted();
  if (entries.length === 0) return [];
  if (entries.length === 1) return [await scrivener.write(entries[0]!, options)];
  const { writeAll } = scrivener as Partial<GroupWriter<E>>;
  if (!writeAll) throw new NotSupportedError('several entries at once, because the journal has no `writeAll`');
  return writeAll.call(scrivener, entries, options);
}
