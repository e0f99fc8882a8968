import { from, Observable, type ObservableInput } from 'rxjs';

/** The platform's `Observable` (the WICG's, which RxJS 9 builds on), as far as it is subscribed to. */
export interface PlatformObservable<out V> {
  subscribe(
    observer: { next(value: V): void; error(error: unknown): void; complete(): void },
    options: { readonly signal: AbortSignal },
  ): void;
}

/** `from`, which takes the platform's Observable too: unsubscribing aborts its signal. */
export function fromInput<V>(input: ObservableInput<V> | PlatformObservable<V>): Observable<V> {
  if (!isPlatformObservable(input)) return from(input);
  return new Observable((subscriber) => {
    const controller = new AbortController();
    subscriber.add(() => controller.abort());
    // eslint-disable-next-line rxjs-x/prefer-observer -- the platform's `subscribe`: its second argument holds the signal
    input.subscribe(
      {
        next: (value) => subscriber.next(value),
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      },
      { signal: controller.signal },
    );
  });
}

/** Whether values are pulled from it, at the pace of who reads: an iterable, a journal's stream. */
export function isPullable<V>(
  input: ObservableInput<V> | PlatformObservable<V>,
): input is AsyncIterable<V> | Iterable<V> {
  return Symbol.asyncIterator in Object(input) || Symbol.iterator in Object(input);
}

function isPlatformObservable<V>(input: ObservableInput<V> | PlatformObservable<V>): input is PlatformObservable<V> {
  // What RxJS knows has its symbol, under one of two names.
  const known = ['@@observable', (Symbol as Partial<typeof Symbol>).observable ?? '@@observable'];
  return !isPullable(input) && 'subscribe' in Object(input) && !known.some((key) => key in Object(input));
}
