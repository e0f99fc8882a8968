import { lastValueFrom, race, timer } from 'rxjs';
import { aborted } from '../journal/abort';
import { Unanswered } from './stream-link';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** Waits after this many failed tries, or until the signal is aborted. */
export async function pause(tries: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS);
  await lastValueFrom(race(timer(ms), aborted(signal))).catch(() => undefined);
}

/** Retries, with pauses, until a server answers; `undefined` if the signal is aborted. Rejects with errors that a retry cannot change. */
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
