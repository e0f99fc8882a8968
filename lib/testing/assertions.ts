/** A check that failed; shaped like the `AssertionError` of `node:assert`, so that runners show the difference. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
  readonly code = 'ERR_ASSERTION';

  constructor(
    message: string,
    readonly actual?: unknown,
    readonly expected?: unknown,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What an error has to be: an instance of the class, or an `Error` with these properties. */
export type ErrorExpectation = (new (...args: never[]) => Error) | Readonly<Record<string, unknown>>;

/** The same value, by `Object.is`. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  if (!Object.is(actual, expected)) {
    throw new AssertionError(`${what}: expected ${show(expected)}, got ${show(actual)}`, actual, expected);
  }
}

/** The same JSON: arrays item by item, objects by their own keys in any order, everything else by `Object.is`. */
export function deepEqual(actual: unknown, expected: unknown, what: string): void {
  if (!same(actual, expected)) {
    throw new AssertionError(`${what}: expected ${show(expected)}, got ${show(actual)}`, actual, expected);
  }
}

/** An error as expected. */
export function errorIs(actual: unknown, expected: ErrorExpectation, what: string): void {
  const matches =
    typeof expected === 'function'
      ? actual instanceof expected
      : actual instanceof Error &&
        Object.entries(expected).every(([key, value]) => Object.is(Reflect.get(actual, key), value));
  if (matches) return;
  const expectation = typeof expected === 'function' ? `a ${expected.name}` : `an error with ${show(expected)}`;
  throw new AssertionError(`${what}: expected ${expectation}, got ${show(actual)}`, actual, expected, {
    cause: actual,
  });
}

/** Throws as expected, before it returns. */
export function throws(run: () => unknown, expected: ErrorExpectation, what: string): void {
  let result;
  try {
    result = run();
  } catch (error) {
    return errorIs(error, expected, what);
  }
  throw new AssertionError(`${what}: expected it to throw, it returned ${show(result)}`, result, expected);
}

/** Calls, gets a promise (rather than a throw), and gives what that rejects with. */
export async function rejection(run: () => PromiseLike<unknown>, what: string): Promise<unknown> {
  let promise;
  try {
    promise = run();
  } catch (error) {
    throw new AssertionError(`${what}: expected a promise that rejects, it threw ${show(error)}`, error, undefined, {
      cause: error,
    });
  }
  let result;
  try {
    result = await promise;
  } catch (error) {
    return error;
  }
  throw new AssertionError(`${what}: expected it to reject, it resolved with ${show(result)}`, result);
}

/** Rejects as expected, and does not throw. */
export async function rejects(
  run: () => PromiseLike<unknown>,
  expected: ErrorExpectation,
  what: string,
): Promise<void> {
  errorIs(await rejection(run, what), expected, what);
}

function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(Reflect.get(a, key), Reflect.get(b, key)))
  );
}

const SHOWN_CHARACTERS = 600;

function show(value: unknown): string {
  const text = value instanceof Error || typeof value === 'function' ? String(value) : (json(value) ?? String(value));
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

function json(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
