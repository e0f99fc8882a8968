import { defer, Observable, Subject, Subscription, take, takeUntil, type OperatorFunction } from 'rxjs';
import { fromInput } from './from-input';

/** What decides, besides the predicate, where a batch is cut. */
export interface CutControl<V> {
  /**
   * Whether the batch is cut here; `isDue`: its predicate has emitted. Called when a value joins, when the batch becomes due, and when `again` emits.
   * Calls made during a call are answered with it.
   */
  cuts(batch: readonly V[], isDue: boolean): boolean;
  /** Emits when the answer may have changed. */
  readonly again: Observable<unknown>;
}

interface Batch<V> {
  readonly values: V[];
  readonly growth: Subject<readonly V[]>;
  readonly notifier: Subscription;
  /** Cuts the batch as its predicate says; `undefined` until it is due. */
  end: (() => void) | undefined;
}

/** {@link bufferUntil}, whose cuts `control` may request and may delay. */
export function batchesOf<V>(
  predicate: OperatorFunction<readonly V[], unknown>,
  control?: CutControl<V>,
): OperatorFunction<V, V[]> {
  return (source) =>
    new Observable((subscriber) => {
      const left = new Subject<void>();
      let active: Batch<V> | undefined;
      /** Whether the decision is in progress: nothing else cuts meanwhile. */
      let deciding = false;

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

      const decide = () => {
        if (active === undefined || deciding) return;
        const { values, end } = active;
        deciding = true;
        const cuts = control === undefined ? end !== undefined : control.cuts(values, end !== undefined);
        deciding = false;
        if (cuts) (end ?? cut)();
      };

      const open = (value: V): Batch<V> => {
        const batch: Batch<V> = {
          values: [value],
          growth: new Subject(),
          notifier: new Subscription(),
          end: undefined,
        };
        active = batch;
        const due = (end: () => void) => {
          batch.end = end;
          decide();
        };
        batch.notifier.add(
          defer(() => fromInput(batch.growth.pipe(predicate)))
            .pipe(take(1))
            .subscribe({ next: () => due(cut), error: (error: unknown) => due(() => fail(error)) }),
        );
        return batch;
      };

      const join = (value: V) => {
        deciding = true;
        active?.values.push(value);
        const { growth, values } = active ?? open(value);
        // In most cases nothing observes it: the batch is due already and waits for its turn.
        if (growth.observed) growth.next(values);
        deciding = false;
        decide();
      };

      subscriber.add(() => {
        left.next();
        active?.notifier.unsubscribe();
      });
      subscriber.add(control?.again.subscribe(decide));
      // Only this stops a source that emits during subscription: its subscription is not known yet.
      source.pipe(takeUntil(left)).subscribe({
        next: join,
        error: fail,
        complete: () => {
          if (subscriber.closed) return;
          (active?.end ?? cut)();
          subscriber.complete();
        },
      });
    });
}
