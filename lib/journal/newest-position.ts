import { Observable, take } from 'rxjs';
import { isTrimmed } from '../errors/position-trimmed-error';
import { START, type Position } from './position';
import type { Scrivener } from './scrivener';

/** Emits the last position of a journal, even if its entry is no longer kept; {@link START} if there is none. Synchronous if the journal is in memory. */
export function newestPosition<T>(scrivener: Scrivener<T>): Observable<Position> {
  return new Observable((subscriber) => {
    const found = (position: Position) => {
      subscriber.next(position);
      subscriber.complete();
    };
    const newest = scrivener.readBackward().pipe(take(1));
    return newest.subscribe({
      next: ({ position }) => found(position),
      // The journal keeps no entry: the position that it was asked for is its last.
      error: (error: unknown) => (isTrimmed(error) ? found(error.requested) : subscriber.error(error)),
      complete: () => found(START),
    });
  });
}
