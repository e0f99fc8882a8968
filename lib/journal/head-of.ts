import { catchError, concat, defer, map, range, startWith, type Observable } from 'rxjs';
import { isTrimmed } from '../errors/position-trimmed-error';
import type { Position } from './position';
import type { Scrivener } from './scrivener';

/** A journal's last position, then each further one, in order, also those whose entries are dropped before they could be read; ends as the journal does. */
export function headOf<T>(journal: Pick<Scrivener<T>, 'tail'> & { readonly head: Position }): Observable<Position> {
  const after = (head: Position): Observable<Position> =>
    journal.tail(head).pipe(
      map(({ position }) => position),
      catchError((error: unknown) => {
        if (!isTrimmed(error)) throw error;
        const { requested, first } = error;
        return concat(range(requested, first - requested), after(first - 1));
      }),
    );
  return defer(() => after(journal.head).pipe(startWith(journal.head)));
}
