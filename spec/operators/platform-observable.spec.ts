/** The platform's Observable (the WICG's, here the polyfill's): no `pipe`, no Subscription, no symbol of RxJS's; cancelled by a signal. */
import { concat, delay, from, lastValueFrom, map, NEVER, of, take, toArray, type OperatorFunction } from 'rxjs';
import {
  AdapterHost,
  anyOf,
  bufferUntil,
  countThreshold,
  InMemoryScrivener,
  toAsyncIterable,
  writeTo,
} from 'rx-scrivener';
import { settle } from '../journal/settle';
import { platform, type Platform, type PlatformSubscriber } from './support/platform';

const Observable = platform();
const boom = new Error('boom');

/** Counts who has subscribed, and whom it was told that they have left. */
function watched<V>(emit: (subscriber: PlatformSubscriber<V>) => void) {
  const watch = { opened: 0, released: 0 };
  const source = new Observable<V>((subscriber) => {
    watch.opened++;
    subscriber.addTeardown(() => watch.released++);
    emit(subscriber);
  });
  return { source, watch };
}

const counting = (to: number) => (subscriber: PlatformSubscriber<number>) => {
  for (let n = 1; n <= to && subscriber.active; n++) subscriber.next(n);
  subscriber.complete();
};
const failing = (subscriber: PlatformSubscriber<number>) => {
  subscriber.next(1);
  subscriber.error(boom);
};
const open = (subscriber: PlatformSubscriber<number>) => subscriber.next(1);
const silent = () => undefined;

test('it is the platform’s, which RxJS does not take', () => {
  expect(new Observable(silent)).not.toHaveProperty('pipe');
  expect(() => from(new Observable(silent) as unknown as Promise<number>)).toThrow('invalid object');
});

test('toAsyncIterable iterates it, to its end and to its error, and runs its teardown when the loop is left', async () => {
  const all: number[] = [];
  const counted = watched(counting(3));
  for await (const n of toAsyncIterable(counted.source)) all.push(n);
  expect([all, counted.watch]).toEqual([[1, 2, 3], { opened: 1, released: 1 }]);

  const failed = watched(failing);
  const iterator = toAsyncIterable(failed.source)[Symbol.asyncIterator]();
  expect(await iterator.next()).toEqual({ done: false, value: 1 });
  await expect(iterator.next()).rejects.toBe(boom);
  expect(failed.watch).toEqual({ opened: 1, released: 1 });

  const left = watched(open);
  for await (const n of toAsyncIterable(left.source)) {
    expect([n, left.watch.released]).toEqual([1, 0]);
    break;
  }
  expect(left.watch).toEqual({ opened: 1, released: 1 });
});

test('one that is full is released at once, and ends with BufferOverflowError', async () => {
  const { source, watch } = watched<number>((subscriber) => {
    for (let n = 1; n <= 1_000_000 && subscriber.active; n++) subscriber.next(n);
  });
  const iterator = toAsyncIterable(source, { highWaterMark: 2 })[Symbol.asyncIterator]();
  expect(watch).toEqual({ opened: 1, released: 1 });
  expect([await iterator.next(), await iterator.next()].map(({ value }) => value as number)).toEqual([1, 2]);
  await expect(iterator.next()).rejects.toMatchObject({ code: 'ERR_BUFFER_OVERFLOW' });
});

describe('a predicate may give one', () => {
  const giving = (make: (subscriber: PlatformSubscriber<number>) => void) => {
    const given: { opened: number; released: number }[] = [];
    const predicate = () => {
      const { source, watch } = watched(make);
      given.push(watch);
      return source;
    };
    return { given, predicate: predicate as unknown as OperatorFunction<readonly number[], unknown> };
  };
  const released = { opened: 1, released: 1 };

  for (const [how, wrap] of [
    ['by itself', (predicate: OperatorFunction<readonly number[], unknown>) => predicate],
    ['in anyOf', (predicate: OperatorFunction<readonly number[], unknown>) => anyOf(predicate, () => NEVER)],
  ] as const) {
    const batches = (predicate: OperatorFunction<readonly number[], unknown>, source = of(1, 2)) =>
      lastValueFrom(source.pipe(bufferUntil(wrap(predicate)), toArray()));

    test(`${how}: its first value cuts, its error fails, and it is released at each cut`, async () => {
      const cutting = giving(counting(1));
      expect(await batches(cutting.predicate)).toEqual([[1], [2]]);
      const waiting = giving(silent);
      expect(await batches(waiting.predicate)).toEqual([[1, 2]]);
      const broken = giving((subscriber) => subscriber.error(boom));
      await expect(batches(broken.predicate, of(1))).rejects.toBe(boom);
      expect([...cutting.given, ...waiting.given, ...broken.given]).toEqual([released, released, released, released]);
    });
  }

  test('beside another one, which cuts before it', async () => {
    const waiting = giving(silent);
    const cut = of(1, 2, 3, 4).pipe(bufferUntil(anyOf(countThreshold(2), waiting.predicate)), toArray());
    expect(await lastValueFrom(cut)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(waiting.given).toEqual([released, released]);
  });
});

describe('writeTo', () => {
  test('writes an Observable in order, whatever each write takes, and ends with the last position', async () => {
    const scrivener = new InMemoryScrivener<number>();
    expect(await lastValueFrom(from([3, 1, 2]).pipe(writeTo(scrivener), toArray()))).toEqual([1, 2, 3]);
    expect(await lastValueFrom(writeTo(scrivener)(new Observable(counting(2))))).toBe(5);
    scrivener.complete();
    const all = await lastValueFrom(scrivener.tail().pipe(toArray()));
    expect(all.map(({ entry }) => entry)).toEqual([3, 1, 2, 1, 2]);
  });

  test('releases it when it is left', async () => {
    const scrivener = new InMemoryScrivener<number>();
    const { source, watch } = watched(open);
    expect(await lastValueFrom(writeTo(scrivener)(source).pipe(take(1)))).toBe(1);
    expect(watch).toEqual({ opened: 1, released: 1 });
  });

  test('pulls an iterable: one entry at a time, and releases it when it is left', async () => {
    const scrivener = new InMemoryScrivener<number>();
    let asked = 0;
    let wasReleased = false;
    async function* endless() {
      try {
        for (;;) yield ++asked;
      } finally {
        wasReleased = true;
      }
    }
    expect(await lastValueFrom(writeTo(scrivener)(endless()).pipe(take(3)))).toBe(3);
    await settle();
    expect([asked <= 4, scrivener.head <= 4, wasReleased]).toEqual([true, true, true]);
  });

  test('errors with the source and with the journal', async () => {
    const scrivener = new InMemoryScrivener<number>();
    await expect(lastValueFrom(writeTo(scrivener)(new Observable(failing)))).rejects.toBe(boom);
    scrivener.complete();
    await expect(lastValueFrom(of(1).pipe(delay(0), writeTo(scrivener)))).rejects.toMatchObject({
      code: 'ERR_JOURNAL_CLOSED',
    });
  });
});

describe('AdapterHost', () => {
  const hostOf = (incoming: Platform<number>) => {
    const scrivener = new InMemoryScrivener<number>();
    const codec = { toEntry: (message: number) => message, toMessage: () => undefined };
    const host = new AdapterHost<number, number>({ scrivener, codec, adapter: { incoming, deliver: () => undefined } });
    return { scrivener, host };
  };

  test('writes what comes in, and runs its teardown at shutdown', async () => {
    const { source, watch } = watched(open);
    const { scrivener, host } = hostOf(source);
    await host.start();
    await scrivener.waitFor(0, () => true);
    expect(watch).toEqual({ opened: 1, released: 0 });
    await host.shutdown();
    expect([scrivener.head, watch]).toEqual([1, { opened: 1, released: 1 }]);
  });

  test('fails with it', async () => {
    const { host } = hostOf(new Observable(failing));
    await host.start();
    const states = lastValueFrom(host.status$.pipe(toArray()));
    await expect(states).resolves.toContain('Failed');
  });
});

describe('out of a journal, and into one', () => {
  test('Observable.from takes a tail: replays, continues live, and an abort releases the journal', async () => {
    const scrivener = new InMemoryScrivener<number>();
    for (let n = 1; n <= 5; n++) scrivener.append(n);
    const even = Observable.from(scrivener.tail()).filter(({ entry }) => entry % 2 === 0);
    const taken = even
      .map(({ position, entry }) => `${position}: ${entry}`)
      .take(4)
      .toArray();
    for (let n = 6; n <= 9; n++) scrivener.append(n);
    expect(await taken).toEqual(['2: 2', '4: 4', '6: 6', '8: 8']);
    await settle();
    expect(scrivener.observed).toBe(false);

    const leave = new AbortController();
    const seen: number[] = [];
    Observable.from(scrivener.tail(9)).subscribe(({ entry }) => seen.push(entry), { signal: leave.signal });
    scrivener.append(10);
    await settle();
    expect([seen, scrivener.observed]).toEqual([[10], true]);
    leave.abort();
    await settle();
    scrivener.append(11);
    await settle();
    expect([seen, scrivener.observed]).toEqual([[10], false]);
  });

  test('Observable.from completes with the journal, and errors with it', async () => {
    const scrivener = new InMemoryScrivener<number>();
    scrivener.append(1);
    scrivener.complete();
    expect(await Observable.from(scrivener.tail()).toArray()).toEqual([{ position: 1, entry: 1 }]);
    const broken = new InMemoryScrivener<number>();
    broken.error(boom);
    await expect(Observable.from(broken.tail()).toArray()).rejects.toBe(boom);
  });

  test('a journal is its observer: values, and how it ends', async () => {
    const ended = new InMemoryScrivener<number>();
    new Observable(counting(3)).subscribe(ended);
    expect((await lastValueFrom(ended.tail().pipe(toArray()))).map(({ entry }) => entry)).toEqual([1, 2, 3]);

    const failed = new InMemoryScrivener<number>();
    new Observable(failing).subscribe(failed);
    await expect(lastValueFrom(failed.tail())).rejects.toBe(boom);
    expect(failed.head).toBe(1);

    // A browser's own calls the methods without the observer, which the polyfill does not.
    const unbound = [new InMemoryScrivener<number>(), new InMemoryScrivener<number>()].map((journal) => {
      const { next, error, complete } = journal;
      return { journal, next, error, complete };
    });
    for (const { next } of unbound) next.call(undefined, 1);
    unbound[0]!.complete.call(undefined);
    unbound[1]!.error.call(undefined, boom);
    expect(await lastValueFrom(unbound[0]!.journal.tail())).toEqual({ position: 1, entry: 1 });
    await expect(lastValueFrom(unbound[1]!.journal.tail())).rejects.toBe(boom);
  });

  test('both kinds read and write one journal, and see the same', async () => {
    const scrivener = new InMemoryScrivener<string>();
    const here = lastValueFrom(
      scrivener.tail().pipe(
        map(({ position, entry }) => `${position} ${entry}`),
        toArray(),
      ),
    );
    const there = Observable.from(scrivener.tail())
      .map(({ position, entry }) => `${position} ${entry}`)
      .toArray();
    const platformWrites = new Observable<string>((subscriber) => {
      subscriber.next('b');
      subscriber.complete();
    });
    await lastValueFrom(concat(of('a').pipe(writeTo(scrivener)), writeTo(scrivener)(platformWrites)));
    scrivener.complete();
    expect(await here).toEqual(['1 a', '2 b']);
    expect(await there).toEqual(['1 a', '2 b']);
  });
});
