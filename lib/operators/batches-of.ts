import { defer, Observable, Subject, Subscription, take, takeUntil, type OperatorFunction } from 'rxjs';
import { fromInput } from './from-input';

/** What else has a say in where a batch is cut. */
export interface CutControl<V> {
  /**
   * Whether the batch is cut here; `isDue`: its predicate has spoken. Asked when a value has joined, when the batch becomes due, and by `again`.
   * What it calls may lead to further questions: they are answered with this one.
   */
  cuts(batch: readonly V[], isDue: boolean): boolean;
  /** Emits when the answer may have changed. */
  readonly again: Observable<unknown>;
}

interface Batch<V> {
  readonly values: V[];
  readonly growth: Subject<readonly V[]>;
  readonly notifier: Subscription;
  /** Cuts it as its predicate says; `undefined` until it is due. */
  end: (() => void) | undefined;
}

/** {@link bufferUntil}, whose cuts `control` may ask for, and may put off. */
export function batchesOf<V>(
  predicate: OperatorFunction<readonly V[], unknown>,
  control?: CutControl<V>,
): OperatorFunction<V, V[]> {
  return (source) =>
    new Observable((subscriber) => {
      const left = new Subject<void>();
      let active: Batch<V> | undefined;
      /** Whether it is being decided about: then nothing else cuts. */
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
        // Most often nobody looks: the batch is due, and waits for its turn.
        if (growth.observed) growth.next(values);
        deciding = false;
        decide();
      };

      subscriber.add(() => {
        left.next();
        active?.notifier.unsubscribe();
      });
      subscriber.add(control?.again.subscribe(decide));
      // A source that emits while it is subscribed to can be left only so: its subscription is not known yet.
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
