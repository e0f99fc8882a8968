import { concatMap, firstValueFrom, from, map, Observable, of, Subscriber, take, toArray } from 'rxjs';
import { entries, InMemoryScrivener, JournalStream, toAsyncIterable, type Positioned } from 'rx-scrivener';
import { settle } from './settle';

function filled(count: number): InMemoryScrivener<number> {
  const scrivener = new InMemoryScrivener<number>();
  for (let n = 1; n <= count; n++) scrivener.append(n * 10);
  return scrivener;
}

test('tail and readBackward give JournalStreams, which are Observables', () => {
  const scrivener = filled(1);
  for (const stream of [scrivener.tail(), scrivener.readBackward()]) {
    expect(stream).toBeInstanceOf(JournalStream);
    expect(stream).toBeInstanceOf(Observable);
  }
});

test('pipes as any Observable, and gives a plain one', async () => {
  const piped = filled(3)
    .tail()
    .pipe(
      entries(),
      map((n) => n + 1),
      take(2),
    );
  expect(piped).not.toBeInstanceOf(JournalStream);
  expect(await firstValueFrom(piped.pipe(toArray()))).toEqual([11, 21]);
});

test('from() takes it as the Observable that it is', () => {
  const stream = filled(1).tail();
  expect(from(stream)).toBe(stream);
});

test('flattening operators subscribe to it, synchronously', () => {
  const scrivener = filled(2);
  const seen: number[] = [];
  of(0)
    .pipe(concatMap(() => scrivener.tail()))
    .subscribe(({ entry }) => seen.push(entry));
  expect(seen).toEqual([10, 20]);
});

test('interoperates by Symbol.observable', () => {
  const key = (Symbol as unknown as { observable?: symbol }).observable ?? '@@observable';
  const stream = filled(2).tail();
  const foreign = (stream as unknown as Record<PropertyKey, () => Observable<Positioned<number>>>)[key]!();
  const seen: number[] = [];
  foreign.subscribe(({ position }) => seen.push(position));
  expect(seen).toEqual([1, 2]);
});

test('a backend builds its own of a subscribe and an iterate function', async () => {
  const log: string[] = [];
  const stream = new JournalStream<string>(
    (subscriber) => {
      expect(subscriber).toBeInstanceOf(Subscriber);
      log.push('subscribe');
      subscriber.next({ position: 1, entry: 'pushed' });
      subscriber.complete();
      return () => log.push('teardown');
    },
    () => {
      log.push('iterate');
      return (async function* () {
        yield { position: 1, entry: 'pulled' };
      })();
    },
  );
  expect(log).toEqual([]);
  expect(await firstValueFrom(stream)).toEqual({ position: 1, entry: 'pushed' });
  const pulled: string[] = [];
  for await (const { entry } of stream) pulled.push(entry);
  for await (const { entry } of stream) pulled.push(entry);
  expect(pulled).toEqual(['pulled', 'pulled']);
  expect(log).toEqual(['subscribe', 'teardown', 'iterate', 'iterate']);
});

test('what the subscribe function throws is the error of the stream', () => {
  const stream = new JournalStream<string>(
    () => {
      throw new Error('broken');
    },
    () => {
      throw new Error('not iterated');
    },
  );
  const errors: string[] = [];
  stream.subscribe({ error: (error: unknown) => errors.push((error as Error).message) });
  expect(errors).toEqual(['broken']);
  expect(() => stream[Symbol.asyncIterator]()).toThrow('not iterated');
});

test('is iterated without a subscription of its own: pulling, not buffering', async () => {
  const scrivener = filled(3);
  const iterator = scrivener.tail()[Symbol.asyncIterator]();
  await iterator.next();
  expect(scrivener.observed).toBe(false);
});

/**
 * As the native Observable.from does (https://wicg.github.io/observable/#dom-observable-from): takes an async iterable by its iterator
 * method, asks for one value at a time, and returns the iterator when it is aborted.
 */
function nativeFrom<V>(source: AsyncIterable<V>): {
  subscribe(
    observer: { next?(value: V): void; error?(e: unknown): void; complete?(): void },
    options?: { signal?: AbortSignal },
  ): void;
} {
  const method = source[Symbol.asyncIterator] as unknown;
  if (typeof method !== 'function') throw new TypeError('no async iterable');
  return {
    subscribe(observer, { signal } = {}) {
      const iterator = (method as () => AsyncIterator<V>).call(source);
      signal?.addEventListener('abort', () => void iterator.return?.(), { once: true });
      const step = (): void => {
        if (signal?.aborted) return;
        iterator.next().then(
          ({ done, value }) => {
            if (signal?.aborted) return;
            if (done) return observer.complete?.();
            observer.next?.(value);
            step();
          },
          (error: unknown) => observer.error?.(error),
        );
      };
      step();
    },
  };
}

describe('adapted to a native Observable', () => {
  test('emits everything, and completes with the journal', async () => {
    const scrivener = filled(2);
    const log: unknown[] = [];
    nativeFrom(scrivener.tail()).subscribe({ next: ({ entry }) => log.push(entry), complete: () => log.push('|') });
    await settle();
    scrivener.append(30);
    await settle();
    expect(log).toEqual([10, 20, 30]);
    scrivener.complete();
    await settle();
    expect(log).toEqual([10, 20, 30, '|']);
  });

  test('errors with the journal', async () => {
    const scrivener = filled(1);
    const log: unknown[] = [];
    nativeFrom(scrivener.tail()).subscribe({ next: ({ entry }) => log.push(entry), error: (error) => log.push(error) });
    await settle();
    scrivener.error('broken');
    await settle();
    expect(log).toEqual([10, 'broken']);
  });

  test('an abort while it waits releases the journal at once', async () => {
    const scrivener = filled(1);
    const controller = new AbortController();
    const log: unknown[] = [];
    nativeFrom(scrivener.tail()).subscribe({ next: ({ entry }) => log.push(entry) }, { signal: controller.signal });
    await settle();
    expect(scrivener.observed).toBe(true);
    controller.abort();
    expect(scrivener.observed).toBe(false);
    scrivener.append(20);
    await settle();
    expect(log).toEqual([10]);
  });
});

test('passes through toAsyncIterable by identity', () => {
  const scrivener = filled(1);
  const tail = scrivener.tail();
  const backward = scrivener.readBackward();
  expect(toAsyncIterable(tail)).toBe(tail);
  expect(toAsyncIterable(backward, { highWaterMark: 1 })).toBe(backward);
});
