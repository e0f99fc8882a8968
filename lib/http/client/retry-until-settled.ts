import { MAX_DELAY_MS } from '../../errors/assert-argument';

export const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** No answer came, or none from the journal's server: the network, the server or a proxy is down. A retry may help. */
export class Unreachable extends Error {
  constructor(
    message: string,
    options?: ErrorOptions,
    /** Nothing was sent, or nothing was done. */
    readonly isUnsent = false,
  ) {
    super(message, options);
  }
}

/** Node's error codes for a connection that was never made; browsers have none. */
const NEVER_SENT: readonly unknown[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'];

/** Whether the failed request may have reached the server. */
export function maySend({ cause, isUnsent }: Unreachable): boolean {
  if (isUnsent) return false;
  const { cause: { code } = {} } = (cause ?? {}) as { cause?: { code?: unknown } };
  return !NEVER_SENT.includes(code);
}

/** How long to wait after this many failed tries, in milliseconds; random, so that clients do not all return at once. */
export function pauseMs(tries: number, longestMs = LONGEST_PAUSE_MS): number {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** tries, longestMs);
  return longest * (0.5 + Math.random() / 2);
}

/** Waits after this many failed tries, or until the signal is aborted. */
export function pause(tries: number, signal: AbortSignal): Promise<void> {
  return sleep(pauseMs(tries), signal);
}

/**
 * Retries, with pauses, until the server answers; `undefined` if the signal is aborted. Rejects with errors that a retry cannot change.
 *
 * @param wait - waits before the next try, after this one failed
 */
export async function retryUntilSettled<R>(
  attempt: () => Promise<R>,
  signal: AbortSignal,
  wait = (tries: number, _: unknown, signal: AbortSignal) => pause(tries, signal),
): Promise<R | undefined> {
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      await wait(tries, error, signal);
    }
  }
  return undefined;
}

/** Waits this long, or until the signal is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(ms, MAX_DELAY_MS));
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
