import { defer, lastValueFrom, retry, throwError, throwIfEmpty, timer, type RetryConfig } from 'rxjs';
import { failureOccurred, type DaemonEvent } from '../daemon/daemon-event';
import { assertDelayMs, assertOptions, shown } from '../errors/assert-argument';
import { FlushAbandonedError } from '../errors/flush-abandoned-error';
import type { Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { fromInput } from '../operators/from-input';

const OPTIONS: Record<keyof RetryConfig, true> = { count: true, delay: true, resetOnSuccess: true };

/** The default delay doubles from attempt to attempt, in milliseconds: the first and the longest. */
const FIRST_DELAY_MS = 10;
const MAX_DELAY_MS = 1_000;

/**
 * Retries a step that fails with a transient error, as a `RetryConfig` says; other errors reject immediately.
 * Rejects with {@link FlushAbandonedError} when it gives up.
 *
 * @param isTransient - whether an error may pass without help
 * @param first - the first position of the batch
 * @param report - receives failures that are followed by another attempt, and how many of the same kind in a row each stands for: the first, the second, the
 *   fourth, … and the remaining ones at the end
 */
export async function retrying(
  step: () => Promise<void>,
  { delay = growingDelay, ...config }: RetryConfig,
  isTransient: (error: unknown) => boolean,
  first: Position,
  report: (error: unknown, count: number) => void,
): Promise<void> {
  const failures = new Failures(report);
  const nextAttempt = (error: unknown, count: number) => {
    if (!isTransient(error)) return throwError(() => error);
    failures.add(error);
    return (typeof delay === 'number' ? timer(delay) : fromInput(delay(error, count))).pipe(throwIfEmpty(() => error));
  };
  try {
    await lastValueFrom(defer(step).pipe(retry({ ...config, delay: nextAttempt })));
  } catch (error) {
    throw isTransient(error) ? new FlushAbandonedError(first, { cause: error }) : error;
  } finally {
    failures.end();
  }
}

/** Writes failures to the events journal as a daemon's; if that journal refuses them, nothing else happens. */
export function reportTo(events: Scrivener<DaemonEvent>, daemon: () => string) {
  return (error: unknown, count: number): void => {
    const event = failureOccurred(daemon(), error, count === 1 ? undefined : count);
    const write = async () => events.write(event);
    write().catch(() => undefined);
  };
}

/** Throws a `TypeError` or `RangeError` that names what is wrong in a `retry` option. */
export function assertRetry(retry: RetryConfig): void {
  assertOptions('retry', retry, OPTIONS);
  const { count, delay } = retry;
  if (count !== undefined && !(Number.isSafeInteger(count) && count >= 0) && count !== Infinity)
    throw new RangeError(`Expected \`retry.count\` to be an integer >= 0 or Infinity, got ${shown(count)}`);
  if (delay !== undefined && typeof delay !== 'function') assertDelayMs('retry.delay', delay);
}

function growingDelay(_: unknown, count: number) {
  return timer(Math.min(FIRST_DELAY_MS * 2 ** (count - 1), MAX_DELAY_MS));
}

/** Failures in a row. Failures of the same kind are reported less and less often: a disk may be full for hours. */
class Failures {
  readonly #report: (error: unknown, count: number) => void;
  #newest: unknown;
  #count = 0;
  #reported = 0;

  constructor(report: (error: unknown, count: number) => void) {
    this.#report = report;
  }

  add(error: unknown): void {
    if (kindOf(error) !== kindOf(this.#newest)) {
      this.end();
      this.#count = this.#reported = 0;
    }
    this.#newest = error;
    this.#count++;
    if (this.#count >= 2 * this.#reported) this.end();
  }

  /** Reports the failures that were not reported yet. */
  end(): void {
    if (this.#count > this.#reported) this.#report(this.#newest, this.#count - this.#reported);
    this.#reported = this.#count;
  }
}

/** Compares codes, not classes: the error may come from another realm. */
function kindOf(error: unknown): unknown {
  const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown };
  return code ?? name;
}
