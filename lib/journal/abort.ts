import { Observable, type Subscriber } from 'rxjs';

/** Never emits; errors with the signal's reason once it is aborted, at once when it already is. */
export function aborted(signal: AbortSignal): Observable<never> {
  return new Observable<never>((subscriber) => {
    const abort = () => subscriber.error(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    return () => signal.removeEventListener('abort', abort);
  });
}

/** Errors the subscriber with the signal's reason once it is aborted. */
export function forwardAbort(signal: AbortSignal | undefined, subscriber: Subscriber<unknown>): void {
  if (signal) subscriber.add(aborted(signal).subscribe({ error: (reason: unknown) => subscriber.error(reason) }));
}
