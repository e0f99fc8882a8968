import { firstValueFrom, from, merge } from 'rxjs';
import { aborted } from './abort';

/** For each journal: settles when all who have come so far have left. */
const turns = new WeakMap<object, Promise<unknown>>();

/**
 * Works when everybody of this process who came before has left the journal: those who compare and append take turns, rather than each lose to all
 * the others.
 *
 * @param signal - ends the waiting at once, with its reason; the work itself is to look at it, too
 */
export function inTurn<R>(journal: object, work: () => Promise<R>, signal?: AbortSignal): Promise<R> {
  const before = turns.get(journal) ?? Promise.resolve();
  const turn = signal ? firstValueFrom(merge(aborted(signal), from(before))) : before;
  const result = turn.then(work);
  // One that left before its turn came does not let the next one in.
  turns.set(journal, Promise.allSettled([before, result]));
  return result;
}
