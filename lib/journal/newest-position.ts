import { catchError, defaultIfEmpty, map, of, take, throwError, type Observable } from 'rxjs';
import { isTrimmed } from '../errors/position-trimmed-error';
import { START, type Position } from './position';
import type { Scrivener } from './scrivener';

/** Emits the last position of a journal, also when its entry is no longer kept, {@link START} when there is none; synchronously where the journal is in memory. */
export function newestPosition<T>(scrivener: Scrivener<T>): Observable<Position> {
  return scrivener.readBackward().pipe(
    take(1),
    map(({ position }) => position),
    // The journal keeps no entry: the first that is asked for is its last.
    catchError((error: unknown) => (isTrimmed(error) ? of(error.requested) : throwError(() => error))),
    defaultIfEmpty(START),
  );
}
