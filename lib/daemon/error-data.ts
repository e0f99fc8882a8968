/** An error as plain data, for a file, a server or another process. */
export interface ErrorData {
  readonly name: string;
  readonly code?: string | number;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: ErrorData;
}

/** How many causes are followed: their chain may be circular. */
const MAX_CAUSES = 8;

/**
 * Converts anything that was thrown to data; never throws itself.
 *
 * @example
 * ```ts
 * await journal.write({ ...event, error: errorData(event.error) });
 * ```
 */
export function errorData(error: unknown): ErrorData {
  return dataOf(error, MAX_CAUSES);
}

function dataOf(error: unknown, causes: number): ErrorData {
  const [name, code, message, stack] = ['name', 'code', 'message', 'stack'].map((key) => member(error, key));
  const cause = causes > 0 ? member(error, 'cause') : undefined;
  return {
    name: typeof name === 'string' ? name : 'Error',
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    message: typeof message === 'string' ? message : textOf(error),
    ...(typeof stack === 'string' ? { stack } : {}),
    ...(cause === undefined ? {} : { cause: dataOf(cause, causes - 1) }),
  };
}

/** What is thrown may be a proxy, or have getters that throw. */
function member(error: unknown, key: string): unknown {
  try {
    return Reflect.get(Object(error) as object, key);
  } catch {
    return undefined;
  }
}

function textOf(error: unknown): string {
  try {
    // In an array, what JSON leaves out is `null`.
    return typeof error === 'object'
      ? JSON.stringify([error]).slice(1, -1)
      : (error as string | bigint | symbol).toString();
  } catch {
    return typeof error;
  }
}
