import { defaultIfEmpty, map, take, type Observable } from 'rxjs';
import { START, type Position } from './position';
import type { Scrivener } from './scrivener';

/** Emits the last position of a journal, {@link START} when it is empty; synchronously where the journal is in memory. */
export function newestPosition<T>(scrivener: Scrivener<T>): Observable<Position> {
  return scrivener.readBackward().pipe(
    take(1),
    map(({ position }) => position),
    defaultIfEmpty(START),
  );
}
