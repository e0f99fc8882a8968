import { Observable, type Subscriber } from 'rxjs';
import { reportUnhandled } from './report-unhandled';

/** For each signal, the functions that wait for it, and the one listener that calls them. */
interface Waiting {
  readonly all: Set<() => void>;
  readonly callAll: () => void;
}

const waiting = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls a function when the signal is aborted, but not if it already is; returns a function that cancels the call. All functions of a signal share one
 * listener on it, because Node warns of a leak from the eleventh listener on.
 */
export function onAbort(signal: AbortSignal, abort: () => void): () => void {
  let shared = waiting.get(signal);
  if (!shared) waiting.set(signal, (shared = share()));
  const { all, callAll } = shared;
  if (all.size === 0) signal.addEventListener('abort', callAll);
  all.add(abort);
  return () => {
    if (all.delete(abort) && all.size === 0) signal.removeEventListener('abort', callAll);
  };
}

function share(): Waiting {
  const all = new Set<() => void>();
  const callAll = () => {
    for (const abort of all) {
      try {
        abort();
      } catch (error) {
        reportUnhandled(error);
      }
    }
  };
  return { all, callAll };
}

/** Never emits; errors with the signal's reason when it is aborted, immediately when it already is. */
export function aborted(signal: AbortSignal): Observable<never> {
  return new Observable<never>((subscriber) => {
    const abort = () => subscriber.error(signal.reason);
    if (signal.aborted) return abort();
    return onAbort(signal, abort);
  });
}

/** Errors the subscriber with the signal's reason when it is aborted. */
export function forwardAbort(signal: AbortSignal | undefined, subscriber: Subscriber<unknown>): void {
  if (signal) subscriber.add(aborted(signal).subscribe({ error: (reason: unknown) => subscriber.error(reason) }));
}
