import { defer, lastValueFrom, retry, throwError, timer, type ObservableInput, type RetryConfig } from 'rxjs';
import { FlushAbandonedError } from '../errors/flush-abandoned-error';
import type { Position } from '../journal/position';

/** What passes by itself: the system is busy, or the disk is full until somebody makes room. */
const TRANSIENT = ['EAGAIN', 'EBUSY', 'ENOSPC', 'EDQUOT', 'EINTR', 'EMFILE', 'ENFILE'];

/**
 * Does something again that failed with a transient error, as a `RetryConfig` says; other errors reject at once.
 *
 * @param tell - is told of each failure that is followed by another attempt
 * @returns rejects with {@link FlushAbandonedError} once it is given up
 */
export function retrying(
  step: () => Promise<void>,
  { delay = 0, ...config }: RetryConfig,
  first: Position,
  tell: (error: unknown) => void,
): Promise<void> {
  const again = (error: unknown, count: number): ObservableInput<unknown> => {
    if (!isTransient(error)) return throwError(() => error);
    tell(error);
    return typeof delay === 'number' ? timer(delay) : delay(error, count);
  };
  return lastValueFrom(defer(step).pipe(retry({ ...config, delay: again })), { defaultValue: undefined }).catch(
    (error: unknown) => {
      throw isTransient(error) ? new FlushAbandonedError(first, { cause: error }) : error;
    },
  );
}

function isTransient(error: unknown): boolean {
  return error instanceof Error && TRANSIENT.includes((error as NodeJS.ErrnoException).code ?? '');
}
