import { defer, lastValueFrom, retry, throwError, throwIfEmpty, timer, type RetryConfig } from 'rxjs';
import { FlushAbandonedError } from '../errors/flush-abandoned-error';
import type { Position } from '../journal/position';
import { fromInput } from '../operators/from-input';

/**
 * Does something again that failed with a transient error, as a `RetryConfig` says; other errors reject at once.
 * Rejects with {@link FlushAbandonedError} once it is given up.
 *
 * @param isTransient - whether an error is of what passes by itself
 * @param first - the first position of what is tried
 * @param tell - is told of each failure that another attempt follows
 */
export async function retrying(
  step: () => Promise<void>,
  { delay = 0, ...config }: RetryConfig,
  isTransient: (error: unknown) => boolean,
  first: Position,
  tell: (error: unknown) => void,
): Promise<void> {
  const again = (error: unknown, count: number) => {
    if (!isTransient(error)) return throwError(() => error);
    tell(error);
    return (typeof delay === 'number' ? timer(delay) : fromInput(delay(error, count))).pipe(throwIfEmpty(() => error));
  };
  try {
    await lastValueFrom(defer(step).pipe(retry({ ...config, delay: again })));
  } catch (error) {
    throw isTransient(error) ? new FlushAbandonedError(first, { cause: error }) : error;
  }
}
