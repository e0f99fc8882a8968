/** The longest that timers count, in milliseconds; past it they fire at once. */
export const MAX_DELAY_MS = 2 ** 31 - 1;

/** Throws a `RangeError` that calls the argument by `name` unless it is an integer >= 1 (or, where that means "no limit", `Infinity`). */
export function assertCount(
  name: string,
  value: unknown,
  unlimited: '' | ' or Infinity' = '',
): asserts value is number {
  if ((Number.isSafeInteger(value) && (value as number) >= 1) || (unlimited && value === Infinity)) return;
  throw new RangeError(`Expected \`${name}\` to be an integer >= 1${unlimited}, got ${String(value)}`);
}

/** Throws a `TypeError` that calls the argument by `name` unless it is one of those allowed. */
export function assertOneOf(name: string, value: unknown, allowed: readonly string[]): void {
  if (allowed.includes(value as string)) return;
  throw new TypeError(`Expected \`${name}\` to be one of ${allowed.join(', ')}, got ${String(value)}`);
}

/** Throws a `RangeError` that calls the argument by `name` unless it is a delay that timers can count, or `Infinity`. */
export function assertDelayMs(name: string, value: unknown): asserts value is number {
  if (typeof value === 'number' && ((value >= 0 && value <= MAX_DELAY_MS) || value === Infinity)) return;
  throw new RangeError(`Expected \`${name}\` to be 0 to ${MAX_DELAY_MS} ms or Infinity, got ${String(value)}`);
}
