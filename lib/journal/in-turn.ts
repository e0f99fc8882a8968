import { firstValueFrom, from, merge } from 'rxjs';
import { aborted } from './abort';

/** For each journal: settles when all callers so far have finished. */
const turns = new WeakMap<object, Promise<unknown>>();

/**
 * Runs the work after all earlier callers in this process have finished: those that compare and append take turns, so they do not make each other fail.
 *
 * @param signal - ends the waiting immediately, with its reason; the work has to check it itself
 */
export function inTurn<R>(journal: object, work: () => Promise<R>, signal?: AbortSignal): Promise<R> {
  const before = turns.get(journal) ?? Promise.resolve();
  const turn = signal ? firstValueFrom(merge(aborted(signal), from(before))) : before;
  const result = turn.then(work);
  // A caller that gave up before its turn does not let the next one in. What earlier callers were given is not kept.
  turns.set(
    journal,
    before.then(() => result).catch(() => undefined),
  );
  return result;
}
