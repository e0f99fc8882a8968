import type { PlatformObservable } from 'rx-scrivener';

/** What is given to an Observable of the platform's, as far as specs use it. */
export interface PlatformSubscriber<V> {
  readonly active: boolean;
  next(value: V): void;
  error(error: unknown): void;
  complete(): void;
  addTeardown(teardown: () => void): void;
}

/** An Observable of the platform's, as far as specs use it. */
export interface Platform<V> extends PlatformObservable<V> {
  filter(predicate: (value: V) => boolean): Platform<V>;
  map<R>(project: (value: V) => R): Platform<R>;
  take(count: number): Platform<V>;
  toArray(): Promise<V[]>;
  subscribe(
    observer: Partial<Pick<PlatformSubscriber<V>, 'next' | 'error' | 'complete'>> | ((value: V) => void),
    options?: { readonly signal: AbortSignal },
  ): void;
}

/** The constructor that a browser has, and that the polyfill makes where there is none: without its types, which declare a global `Observable` everywhere. */
export interface PlatformConstructor {
  new <V>(subscribe: (subscriber: PlatformSubscriber<V>) => void): Platform<V>;
  from<V>(source: AsyncIterable<V> | Iterable<V> | PromiseLike<V>): Platform<V>;
}

export function platform(): PlatformConstructor {
  jest.requireActual<object>('@rxjs/observable-polyfill');
  return (globalThis as unknown as { Observable: PlatformConstructor }).Observable;
}
