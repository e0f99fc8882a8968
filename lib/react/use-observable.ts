import { useMemo, useSyncExternalStore } from 'react';
import { NEVER, type Observable } from 'rxjs';
import { assertMethods } from '../errors/assert-argument';
import { fromInput, type PlatformObservable } from '../operators/from-input';
import { FrameStore } from '../view/frame-store';

interface Observed<V> {
  readonly value: V;
  readonly failure: { readonly error: unknown } | undefined;
}

/**
 * The newest value of an Observable, RxJS's or the platform's, such as `head$`, `flushed$` or a daemon's `status$`; `initial` until there is one, and
 * for `undefined`, which stands for the Observable of a journal that is not open yet.
 * Rendered once a frame at most. Subscribed while the component is mounted; give it the same Observable at each rendering.
 *
 * Throws what the Observable errors with, while rendering, so that an error boundary shows it.
 *
 * @example
 * ```tsx
 * const flushed = useObservable(scrivener.flusher.flushed$, scrivener.flushed);
 * ```
 */
export function useObservable<V>(source$: Observable<V> | PlatformObservable<V> | undefined, initial: V): V {
  if (source$ !== undefined) assertMethods('source$', source$, ['subscribe']);
  const { subscribe, getSnapshot } = useMemo(() => observe(source$, initial), [source$]);
  const { value, failure } = useSyncExternalStore(subscribe, getSnapshot, getSnapshot);
  if (failure) throw failure.error;
  return value;
}

function observe<V>(source$: Observable<V> | PlatformObservable<V> = NEVER, initial: V): FrameStore<Observed<V>> {
  let value = initial;
  let failure: { readonly error: unknown } | undefined;
  const start = (changed: () => void) =>
    fromInput(source$).subscribe({
      next: (next) => {
        value = next;
        changed();
      },
      error: (error: unknown) => {
        failure = { error };
        changed();
      },
    });
  return new FrameStore({ start, read: () => ({ value, failure }) });
}
