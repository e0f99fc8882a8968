import type { Observable } from 'rxjs';
import { JournalClosedError } from '../errors/journal-closed-error';
import type { OpenPages } from './paged-stream';

/** Pages that end when their scrivener is closed, which completes the stream. Opening them later throws {@link JournalClosedError}. */
export function untilClosed<T>(
  open: OpenPages<T>,
  { isClosed, closed$ }: { readonly isClosed: () => boolean; readonly closed$: Observable<void> },
): OpenPages<T> {
  return (left) => {
    if (isClosed()) throw new JournalClosedError();
    const stop = new AbortController();
    const closing = closed$.subscribe(() => stop.abort());
    left.addEventListener('abort', () => {
      closing.unsubscribe();
      stop.abort();
    });
    return open(stop.signal);
  };
}
