import { MAX_DELAY_MS } from '../../errors/assert-argument';

export const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** Nobody answered, or not the journal's server: the network, the server or a proxy is down. Trying again may help. */
export class Unreachable extends Error {
  constructor(
    message: string,
    options?: ErrorOptions,
    /** Nothing was sent. */
    readonly isUnsent = false,
  ) {
    super(message, options);
  }
}

/** How long to wait before the try that follows so many in vain; by chance, so that clients do not come all at once. */
export function pauseMs(tries: number): number {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS);
  return longest * (0.5 + Math.random() / 2);
}

/** Waits before the try that follows so many in vain, until the signal is aborted at the longest. */
export function pause(tries: number, signal: AbortSignal): Promise<void> {
  return sleep(pauseMs(tries), signal);
}

/**
 * Tries until the server answers, with pauses; `undefined` once the signal is aborted. Rejects with what no other try would change.
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

/** Waits so long, until the signal is aborted at the longest. */
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
