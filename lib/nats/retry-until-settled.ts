import { lastValueFrom, race, timer } from 'rxjs';
import { aborted } from '../journal/abort';
import { Unanswered } from './stream-link';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** Waits before the try that follows so many in vain, until the signal is aborted at the longest. */
export async function pause(tries: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS);
  await lastValueFrom(race(timer(ms), aborted(signal))).catch(() => undefined);
}

/** Tries until a server answers, with pauses; `undefined` once the signal is aborted. Rejects with what no other try would change. */
export async function retryUntilSettled<R>(attempt: () => Promise<R>, signal: AbortSignal): Promise<R | undefined> {
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
    }
    await pause(tries, signal);
  }
  return undefined;
}
