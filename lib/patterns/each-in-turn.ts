import { NEVER, Observable } from 'rxjs';

/**
 * When it is stopped, a value that has left its source may still pass through a few async generators, three microtasks each: it is
 * still taken. A value that has not left its source may never come.
 */
const TURNS = 32;

/**
 * Pulls values one at a time, each when the work on the previous one is done, and emits the result of the work.
 *
 * Completes with the iterable, and at `stop` as soon as the current work is done; errors with the iterable and with the work.
 * When unsubscribed or stopped, it releases the iterator immediately, even while it waits for a value.
 */
export function eachInTurn<V, R>(
  values: AsyncIterable<V> | Iterable<V>,
  work: (value: V) => Promise<R>,
  stop: Observable<unknown> = NEVER,
): Observable<R> {
  return new Observable((subscriber) => {
    const { [Symbol.asyncIterator]: open } = values as Partial<AsyncIterable<V>>;
    const iterator = open ? open.call(values) : (values as Iterable<V>)[Symbol.iterator]();
    let idle = true;
    let stopped = false;

    const release = async () => {
      await iterator.return?.();
    };
    const run = async () => {
      for (let next = await iterator.next(); !next.done && !subscriber.closed; next = await iterator.next()) {
        idle = false;
        subscriber.next(await work(next.value));
        idle = true;
        if (stopped) break;
      }
      subscriber.complete();
    };

    subscriber.add(() => {
      release().catch(() => undefined); // nobody is subscribed any longer
    });
    subscriber.add(
      stop.subscribe(() => {
        stopped = true;
        release().catch(() => undefined);
        const leave = async () => {
          for (let turn = 0; turn < TURNS && idle; turn++) await Promise.resolve();
          if (idle) subscriber.complete();
        };
        void leave();
      }),
    );
    run().catch((error: unknown) => subscriber.error(error));
  });
}
