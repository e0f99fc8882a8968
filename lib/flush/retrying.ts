import { defer, lastValueFrom, retry, throwError, throwIfEmpty, timer, type RetryConfig } from 'rxjs';
import { failureOccurred, type DaemonEvent } from '../daemon/daemon-event';
import { assertDelayMs, assertOptions, shown } from '../errors/assert-argument';
import { FlushAbandonedError } from '../errors/flush-abandoned-error';
import type { Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { fromInput } from '../operators/from-input';

const OPTIONS: Record<keyof RetryConfig, true> = { count: true, delay: true, resetOnSuccess: true };

/** Where no delay is given, it doubles from attempt to attempt, in milliseconds: first, and at most. */
const FIRST_DELAY_MS = 10;
const MAX_DELAY_MS = 1_000;

/**
 * Does something again that failed with a transient error, as a `RetryConfig` says; other errors reject at once.
 * Rejects with {@link FlushAbandonedError} once it is given up.
 *
 * @param isTransient - whether an error is of what passes on its own
 * @param first - the first position of what is tried
 * @param report - is given failures that another attempt follows, and how many of one kind in a row each stands for: the first, the second, the
 *   fourth, … of them, and those that are left in the end
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

/** Journals failures as a daemon's; a journal that refuses them does not disturb. */
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

/** Failures in a row, of which those of one kind are reported ever more seldom: a disk may be full for hours. */
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

  /** Reports those that were not yet. */
  end(): void {
    if (this.#count > this.#reported) this.#report(this.#newest, this.#count - this.#reported);
    this.#reported = this.#count;
  }
}

/** By its code, not by its class: it may come from another realm. */
function kindOf(error: unknown): unknown {
  const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown };
  return code ?? name;
}
