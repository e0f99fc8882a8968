import {
  catchError,
  defer,
  distinctUntilChanged,
  EMPTY,
  exhaustMap,
  filter,
  takeWhile,
  tap,
  timer,
  type Observable,
} from 'rxjs';
import { FLUSHED_HEADER } from '../../http/protocol';
import type { Position } from '../../journal/position';

/** How often a server is asked while not everything is flushed. */
const FLUSHED_MS = 500;
/** An answer that has not come by then is given up. */
const ANSWER_MS = 10_000;

/**
 * The last flushed position of the journal at a URL, and each change; completes with `undefined` if its server does not say: most send only what is flushed.
 *
 * @param head - the newest position
 */
export function flushedAt(url: string, head: () => Position, signal: AbortSignal): Observable<Position | undefined> {
  let flushed: Position | undefined;
  const ask = async () => {
    const response = await fetch(url, {
      method: 'HEAD',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    if (!response.ok) throw new Error(response.statusText);
    const [position] = /^\d{1,15}$/.exec(response.headers.get(FLUSHED_HEADER) ?? '') ?? [];
    return position === undefined ? undefined : Number(position);
  };
  return timer(0, FLUSHED_MS).pipe(
    filter(() => flushed === undefined || flushed < head()),
    // A server that does not answer is asked again.
    exhaustMap(() => defer(ask).pipe(catchError(() => EMPTY))),
    tap((position) => (flushed = position)),
    distinctUntilChanged(),
    takeWhile((position) => position !== undefined, true),
  );
}
