import { NEVER, Observable } from 'rxjs';

/**
 * Pulls values one at a time, each when the work on the one before is done, and emits what the work resolves with.
 *
 * Completes with the iterable, and at `stop` as soon as the work under way is done; errors with the iterable and with the work.
 * Unsubscribed or stopped it releases the iterator at once, also while it waits for a value.
 */
export function eachInTurn<V, R>(
  values: AsyncIterable<V>,
  work: (value: V) => Promise<R>,
  stop: Observable<unknown> = NEVER,
): Observable<R> {
  return new Observable((subscriber) => {
    const iterator = values[Symbol.asyncIterator]();
    let working = false;
    let stopped = false;

    const release = () => {
      iterator.return?.().catch(() => undefined); // nobody is left to tell
    };
    const run = async () => {
      for (let next = await iterator.next(); !next.done && !subscriber.closed; next = await iterator.next()) {
        working = true;
        subscriber.next(await work(next.value));
        working = false;
        if (stopped) break;
      }
      subscriber.complete();
    };

    subscriber.add(release);
    subscriber.add(
      stop.subscribe(() => {
        stopped = true;
        release();
        // A value that has arrived already is taken: its turn in the microtask queue comes first.
        queueMicrotask(() => {
          if (!working) subscriber.complete();
        });
      }),
    );
    run().catch((error: unknown) => subscriber.error(error));
  });
}
