import { firstValueFrom, from, lastValueFrom, merge, reduce, Subject, takeUntil, takeWhile } from 'rxjs';
import { BookmarkAheadError } from '../errors/bookmark-ahead-error';
import { aborted } from '../journal/abort';
import { assertPosition, END, START, type Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import type { Checkpoint, CheckpointStore, Projection } from './projection';

/** Throws when the journal ends before the checkpoint: it is another journal's, or entries are lost. */
export function assertReached(checkpoint: Position, head: Position): void {
  if (checkpoint > head) throw new BookmarkAheadError(checkpoint, head, 'checkpoint');
}

/** The state before the first entry. */
export function initially<E, S>(projection: Projection<E, S>): Checkpoint<S> {
  return { position: START, state: projection.initial() };
}

/** The checkpoint in the store; the initial state when there is none that can be read. */
export async function loaded<E, S>(
  projection: Projection<E, S>,
  checkpoints: CheckpointStore<S>,
  signal?: AbortSignal,
): Promise<Checkpoint<S>> {
  const load = async () => {
    try {
      const checkpoint = await checkpoints.load();
      if (checkpoint && 'state' in checkpoint) {
        assertPosition('position', checkpoint.position);
        return checkpoint;
      }
    } catch {
      // What cannot be read is passed over: the journal has it all.
    }
    return initially(projection);
  };
  return signal ? firstValueFrom(merge(aborted(signal), from(load()))) : load();
}

/**
 * Folds what comes after a checkpoint: up to the journal's end, or up to the position `through`, which it waits for.
 *
 * In memory it does all of it before it returns.
 */
export async function fold<E, S>(
  scrivener: Scrivener<E>,
  projection: Projection<E, S>,
  start: Checkpoint<S>,
  { signal, through = END }: { readonly signal?: AbortSignal; readonly through?: Position } = {},
): Promise<Checkpoint<S>> {
  const atEnd = new Subject<void>();
  let last = start.position;
  const caughtUp = (head: Position) => {
    assertReached(start.position, head);
    atEnd.next();
  };
  const state = await lastValueFrom(
    scrivener.tail(last, through === END ? { signal, caughtUp } : { signal }).pipe(
      takeWhile(({ position }) => position < through, true),
      takeUntil(atEnd),
      reduce((state, { entry, position }) => {
        last = position;
        return projection.evolve(state, entry, position);
      }, start.state),
    ),
  );
  return { position: last, state };
}
