import { defer, Observable, Subject, Subscription, take, takeUntil, type OperatorFunction } from 'rxjs';

interface Batch<V> {
  readonly values: V[];
  readonly growth: Subject<readonly V[]>;
  readonly notifier: Subscription;
}

/**
 * Collects values into batches that an operator cuts: `bufferWhen` with a notifier that sees what is collected.
 *
 * The predicate is subscribed anew when the first value of a batch joins, is handed the active batch (the same array, growing) with
 * that value and each later one, and its first emission cuts the batch there, the newest value included. So any operator that emits
 * when it is time is one: `filter(batch => batch.length >= 50)`, `debounceTime(200)`, `() => timer(2000)`.
 *
 * Emits what is left when the source completes, never an empty batch; errors of the source and of the predicate come behind what was
 * collected. A predicate that completes without emitting leaves its batch to the source's end.
 *
 * @example
 * ```ts
 * clicks$.pipe(bufferUntil(debounceTime(250)), map((clicks) => clicks.length));
 * ```
 */
export function bufferUntil<V>(predicate: OperatorFunction<readonly NoInfer<V>[], unknown>): OperatorFunction<V, V[]> {
  return (source) =>
    new Observable((subscriber) => {
      const left = new Subject<void>();
      let active: Batch<V> | undefined;

      const cut = () => {
        if (active === undefined) return;
        const { values, notifier } = active;
        active = undefined;
        notifier.unsubscribe();
        subscriber.next(values);
      };

      const fail = (error: unknown) => {
        cut();
        subscriber.error(error);
      };

      const open = (value: V) => {
        const batch = { values: [value], growth: new Subject<readonly V[]>(), notifier: new Subscription() };
        active = batch;
        batch.notifier.add(
          defer(() => batch.growth.pipe(predicate))
            .pipe(take(1))
            .subscribe({ next: cut, error: fail }),
        );
        // Subscribed before the batch is handed over, so that the first one is cut as exactly as the others.
        if (active === batch) batch.growth.next(batch.values);
      };

      const join = (value: V) => {
        if (active === undefined) {
          open(value);
        } else {
          active.values.push(value);
          // Most often nobody looks: the batch is due, and waits for its turn.
          if (active.growth.observed) active.growth.next(active.values);
        }
      };

      subscriber.add(() => {
        left.next();
        active?.notifier.unsubscribe();
      });
      // A source that emits while it is subscribed to can be left only so: its subscription is not known yet.
      source.pipe(takeUntil(left)).subscribe({
        next: join,
        error: fail,
        complete: () => {
          if (subscriber.closed) return;
          cut();
          subscriber.complete();
        },
      });
    });
}
