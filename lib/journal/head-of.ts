import { defer, map, startWith, type Observable } from 'rxjs';
import type { Position } from './position';
import type { Scrivener } from './scrivener';

/** A journal's last position, then each further one, in order; ends as the journal does. */
export function headOf<T>(journal: Pick<Scrivener<T>, 'tail'> & { readonly head: Position }): Observable<Position> {
  return defer(() => {
    const { head } = journal;
    return journal.tail(head).pipe(
      map(({ position }) => position),
      startWith(head),
    );
  });
}
