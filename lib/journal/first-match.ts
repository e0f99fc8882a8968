import { firstValueFrom } from 'rxjs';
import { firstThat } from '../operators/wait-for';
import { assertPosition, END, type Position, type Positioned } from './position';
import type { Scrivener, WaitOptions } from './scrivener';

/** The `waitFor` of every scrivener whose `tail` serves it. */
export async function firstMatch<T>(
  journal: Pick<Scrivener<T>, 'tail'>,
  after: Position,
  match: (entry: T) => boolean,
  options?: WaitOptions,
): Promise<Positioned<T>> {
  assertPosition('after', after);
  if (after === END) throw new RangeError('Expected `after` to be less than END');
  return firstValueFrom(journal.tail(after).pipe(firstThat(match, options, ` after position ${after}`)));
}
