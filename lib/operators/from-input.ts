import { from, Observable, type ObservableInput } from 'rxjs';

/** The part of the platform's `Observable` (WICG, the base of RxJS 9) that subscribing needs. */
export interface PlatformObservable<out V> {
  subscribe(
    observer: { next(value: V): void; error(error: unknown): void; complete(): void },
    options: { readonly signal: AbortSignal },
  ): void;
}

/** `from` that also accepts the platform's Observable: unsubscribing aborts its signal. */
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

/** Whether the reader pulls values at its own pace: an iterable, a journal's stream. */
export function isPullable<V>(
  input: ObservableInput<V> | PlatformObservable<V>,
): input is AsyncIterable<V> | Iterable<V> {
  return Symbol.asyncIterator in Object(input) || Symbol.iterator in Object(input);
}

function isPlatformObservable<V>(input: ObservableInput<V> | PlatformObservable<V>): input is PlatformObservable<V> {
  // An Observable that RxJS accepts has its symbol, under one of two names.
  const known = ['@@observable', (Symbol as Partial<typeof Symbol>).observable ?? '@@observable'];
  return !isPullable(input) && 'subscribe' in Object(input) && !known.some((key) => key in Object(input));
}
