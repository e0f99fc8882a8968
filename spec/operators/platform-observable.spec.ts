/** The platform's Observable (the WICG's): no `pipe`, no Subscription, no symbol of RxJS's; cancelled by a signal. */
import { delay, from, lastValueFrom, map, of, take, toArray, type OperatorFunction } from 'rxjs';
import { bufferUntil, InMemoryScrivener, toAsyncIterable, writeTo, type PlatformObservable } from 'rx-scrivener';
import { settle } from '../journal/settle';

class Platform<V> implements PlatformObservable<V> {
  observed = 0;
  constructor(
    private readonly emit: (observer: Parameters<PlatformObservable<V>['subscribe']>[0], signal: AbortSignal) => void,
  ) {}
  subscribe(
    observer: Parameters<PlatformObservable<V>['subscribe']>[0],
    { signal }: { readonly signal: AbortSignal },
  ): void {
    this.observed++;
    signal.addEventListener('abort', () => this.observed--, { once: true });
    this.emit(observer, signal);
  }
}

const counting = (to: number) =>
  new Platform<number>((observer, signal) => {
    for (let n = 1; n <= to && !signal.aborted; n++) observer.next(n);
    if (!signal.aborted) observer.complete();
  });
const boom = new Error('boom');

test('toAsyncIterable iterates it, to its end and to its error, and aborts it when the loop is left', async () => {
  const all: number[] = [];
  for await (const n of toAsyncIterable(counting(3))) all.push(n);
  expect(all).toEqual([1, 2, 3]);

  const failing = new Platform<number>((observer) => {
    observer.next(1);
    observer.error(boom);
  });
  const iterator = toAsyncIterable(failing)[Symbol.asyncIterator]();
  expect(await iterator.next()).toEqual({ done: false, value: 1 });
  await expect(iterator.next()).rejects.toBe(boom);

  const open = new Platform<number>((observer) => observer.next(1));
  for await (const n of toAsyncIterable(open)) {
    expect([n, open.observed]).toEqual([1, 1]);
    break;
  }
  expect(open.observed).toBe(0);
});

test('a predicate may give one: its first value cuts, its error fails, and it is aborted at each cut', async () => {
  const given: Platform<number>[] = [];
  const predicate = (make: () => Platform<number>) =>
    (() => {
      given.push(make());
      return given.at(-1);
    }) as unknown as OperatorFunction<readonly number[], unknown>;
  const cut = await lastValueFrom(of(1, 2).pipe(bufferUntil(predicate(() => counting(1))), toArray()));
  expect(cut).toEqual([[1], [2]]);
  const silent = await lastValueFrom(
    of(1, 2).pipe(bufferUntil(predicate(() => new Platform(() => undefined))), toArray()),
  );
  expect(silent).toEqual([[1, 2]]);
  const failing = of(1).pipe(bufferUntil(predicate(() => new Platform((observer) => observer.error(boom)))));
  await expect(lastValueFrom(failing)).rejects.toBe(boom);
  expect(given.map(({ observed }) => observed)).toEqual([0, 0, 0, 0]);
});

describe('writeTo', () => {
  test('writes an Observable in order, whatever each write takes, and ends with the last position', async () => {
    const scrivener = new InMemoryScrivener<number>();
    expect(await lastValueFrom(from([3, 1, 2]).pipe(writeTo(scrivener), toArray()))).toEqual([1, 2, 3]);
    expect(await lastValueFrom(writeTo(scrivener)(counting(2)))).toBe(5);
    const entries = await lastValueFrom(
      (scrivener.complete(),
      scrivener.tail().pipe(
        map(({ entry }) => entry),
        toArray(),
      )),
    );
    expect(entries).toEqual([3, 1, 2, 1, 2]);
  });

  test('pulls an iterable: one entry at a time, and releases it when it is left', async () => {
    const scrivener = new InMemoryScrivener<number>();
    let asked = 0;
    let released = false;
    async function* endless() {
      try {
        for (;;) yield ++asked;
      } finally {
        released = true;
      }
    }
    expect(await lastValueFrom(writeTo(scrivener)(endless()).pipe(take(3)))).toBe(3);
    await settle();
    expect([asked <= 4, scrivener.head <= 4, released]).toEqual([true, true, true]);
  });

  test('errors with the source and with the journal', async () => {
    const scrivener = new InMemoryScrivener<number>();
    const failing = new Platform<number>((observer) => {
      observer.next(1);
      observer.error(boom);
    });
    await expect(lastValueFrom(writeTo(scrivener)(failing))).rejects.toBe(boom);
    scrivener.complete();
    await expect(lastValueFrom(of(1).pipe(delay(0), writeTo(scrivener)))).rejects.toMatchObject({
      code: 'ERR_JOURNAL_CLOSED',
    });
  });
});
