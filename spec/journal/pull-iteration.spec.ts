import { getEventListeners } from 'node:events';
import { END, InMemoryScrivener, type Positioned } from 'rx-scrivener';
import { settle, track } from './settle';

type Iterator = AsyncIterator<Positioned<number>, undefined>;

function filled(count: number): InMemoryScrivener<number> {
  const scrivener = new InMemoryScrivener<number>();
  for (let n = 1; n <= count; n++) scrivener.append(n * 10);
  return scrivener;
}

function iterate(scrivener: InMemoryScrivener<number>, after = 0, signal?: AbortSignal): Iterator {
  return scrivener.tail(after, { signal })[Symbol.asyncIterator]() as Iterator;
}

const DONE = { done: true, value: undefined };
const at = (position: number) => ({ done: false, value: { position, entry: position * 10 } });

test('for await reads what is held, then live, then ends with the journal', async () => {
  const scrivener = filled(2);
  const seen: number[] = [];
  for await (const { position } of scrivener.tail()) {
    seen.push(position);
    if (position < 5) scrivener.append(0);
    else scrivener.complete();
    if (seen.length > 20) break;
  }
  expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
});

test('each iteration is its own cursor', async () => {
  const stream = filled(3).tail(1);
  const a = stream[Symbol.asyncIterator]();
  const b = stream[Symbol.asyncIterator]();
  expect(a).not.toBe(b);
  expect([await a.next(), await a.next(), await b.next()]).toEqual([at(2), at(3), at(2)]);
});

test('an iterator is iterable itself', async () => {
  const scrivener = filled(2);
  scrivener.complete();
  const iterator = iterate(scrivener) as unknown as AsyncIterableIterator<Positioned<number>>;
  await iterator.next();
  const rest: number[] = [];
  for await (const { position } of iterator) rest.push(position);
  expect(rest).toEqual([2]);
});

test('a slow reader holds a cursor: nothing is registered in the journal while it does not wait', async () => {
  const scrivener = filled(0);
  const iterator = iterate(scrivener);
  expect(scrivener.observed).toBe(false);
  const first = iterator.next();
  expect(scrivener.observed).toBe(true);
  scrivener.append(10);
  expect(scrivener.observed).toBe(false);
  scrivener.append(20);
  expect(await first).toEqual(at(1));
  expect(await iterator.next()).toEqual(at(2));
  expect(scrivener.observed).toBe(false);
});

test('concurrent calls of next are answered in order', async () => {
  const scrivener = filled(1);
  const iterator = iterate(scrivener);
  const calls = Array.from({ length: 5 }, () => iterator.next());
  scrivener.append(20);
  scrivener.append(30);
  scrivener.complete();
  expect(await Promise.all(calls)).toEqual([at(1), at(2), at(3), DONE, DONE]);
  expect(scrivener.observed).toBe(false);
});

test('a call of next after others that wait does not overtake them', async () => {
  const scrivener = filled(0);
  const iterator = iterate(scrivener);
  const order: string[] = [];
  // Subscribed before the first call waits: it calls while the entry is in the journal and has not reached the iterator yet.
  scrivener.tail().subscribe(() => void iterator.next().then(({ value }) => order.push(`b${value?.position}`)));
  void iterator.next().then(({ value }) => order.push(`a${value?.position}`));
  scrivener.append(10);
  scrivener.append(20);
  scrivener.append(30);
  await settle();
  expect(order).toEqual(['a1', 'b2', 'b3']);
});

test('the error of the journal rejects one waiting call, the others are done', async () => {
  const scrivener = filled(0);
  const iterator = iterate(scrivener);
  const calls = [track(iterator.next()), track(iterator.next())];
  scrivener.error('broken');
  await settle();
  expect(calls).toEqual([
    { state: 'rejected', error: 'broken' },
    { state: 'resolved', value: DONE },
  ]);
  expect(await iterator.next()).toEqual(DONE);
  expect(scrivener.observed).toBe(false);
});

test('the error of the journal comes after its entries', async () => {
  const scrivener = filled(2);
  scrivener.error('broken');
  const iterator = iterate(scrivener, 1);
  expect(await iterator.next()).toEqual(at(2));
  await expect(iterator.next()).rejects.toBe('broken');
  expect(await iterator.next()).toEqual(DONE);
});

test('tail(END) is done at once, also on a journal that failed; past the head waits', async () => {
  const scrivener = filled(2);
  expect(await iterate(scrivener, END).next()).toEqual(DONE);
  const waiting = iterate(scrivener, 3).next();
  scrivener.append(30);
  scrivener.append(40);
  expect(await waiting).toEqual(at(4));
  scrivener.error('broken');
  expect(await iterate(scrivener, END).next()).toEqual(DONE);
});

test('break releases at once', async () => {
  const scrivener = filled(3);
  for await (const { position } of scrivener.tail()) if (position === 2) break;
  expect(scrivener.observed).toBe(false);
});

test('a throw in the loop body releases, too', async () => {
  const scrivener = filled(3);
  const loop = async () => {
    for await (const record of scrivener.tail()) throw new Error(`at ${record.position}`);
  };
  await expect(loop()).rejects.toThrow('at 1');
  expect(scrivener.observed).toBe(false);
});

test('return while next is pending answers it, and releases at once', async () => {
  const scrivener = filled(0);
  const iterator = iterate(scrivener);
  const calls = [track(iterator.next()), track(iterator.next())];
  expect(scrivener.observed).toBe(true);
  const returned = iterator.return!();
  expect(scrivener.observed).toBe(false);
  expect(await returned).toEqual(DONE);
  await settle();
  expect(calls).toEqual([
    { state: 'resolved', value: DONE },
    { state: 'resolved', value: DONE },
  ]);
  scrivener.append(10);
  expect(await iterator.next()).toEqual(DONE);
  expect(await iterator.return!()).toEqual(DONE);
});

test('return before the first next reads nothing', async () => {
  const iterator = iterate(filled(3));
  expect(await iterator.return!()).toEqual(DONE);
  expect(await iterator.next()).toEqual(DONE);
});

test('throw rejects with its argument, answers what waits, and releases', async () => {
  const scrivener = filled(0);
  const iterator = iterate(scrivener);
  const call = track(iterator.next());
  await expect(iterator.throw!('stop')).rejects.toBe('stop');
  await settle();
  expect(call).toEqual({ state: 'resolved', value: DONE });
  expect(scrivener.observed).toBe(false);
  expect(await iterator.next()).toEqual(DONE);
});

describe('an abort', () => {
  test('before the iteration rejects the first next', async () => {
    const iterator = iterate(filled(1), 0, AbortSignal.abort('gone'));
    await expect(iterator.next()).rejects.toBe('gone');
    expect(await iterator.next()).toEqual(DONE);
  });

  test('while next is pending rejects it at once', async () => {
    const scrivener = filled(0);
    const controller = new AbortController();
    const iterator = iterate(scrivener, 0, controller.signal);
    const calls = [track(iterator.next()), track(iterator.next())];
    controller.abort('gone');
    expect(scrivener.observed).toBe(false);
    await settle();
    expect(calls).toEqual([
      { state: 'rejected', error: 'gone' },
      { state: 'resolved', value: DONE },
    ]);
    scrivener.append(10);
    expect(await iterator.next()).toEqual(DONE);
  });

  test('between two calls rejects the next one, though more is held', async () => {
    const controller = new AbortController();
    const iterator = iterate(filled(3), 0, controller.signal);
    expect(await iterator.next()).toEqual(at(1));
    controller.abort('gone');
    await expect(iterator.next()).rejects.toBe('gone');
    expect(await iterator.next()).toEqual(DONE);
  });

  test('after the end, awaited or pending, leaves it at that', async () => {
    for (const pending of [true, false]) {
      const scrivener = filled(0);
      const controller = new AbortController();
      const iterator = iterate(scrivener, 0, controller.signal);
      if (!pending) scrivener.complete();
      const last = iterator.next();
      if (pending) scrivener.complete();
      expect(await last).toEqual(DONE);
      controller.abort('gone');
      expect(await iterator.next()).toEqual(DONE);
    }
    const failed = filled(0);
    const controller = new AbortController();
    const iterator = iterate(failed, 0, controller.signal);
    const last = track(iterator.next());
    failed.error('broken');
    await settle();
    expect(last).toEqual({ state: 'rejected', error: 'broken' });
    controller.abort('gone');
    expect(await iterator.next()).toEqual(DONE);
    const left = iterate(filled(1), 0, controller.signal);
    await left.return!();
    expect(await left.next()).toEqual(DONE);
  });

  test('of readBackward does the same', async () => {
    const controller = new AbortController();
    const iterator = filled(3).readBackward(END, { signal: controller.signal })[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual(at(3));
    controller.abort('gone');
    await expect(iterator.next()).rejects.toBe('gone');
  });

  test('ends a for await that waits', async () => {
    const scrivener = filled(1);
    const controller = new AbortController();
    const seen: number[] = [];
    const loop = (async () => {
      for await (const { position } of scrivener.tail(0, { signal: controller.signal })) seen.push(position);
    })();
    await settle();
    controller.abort('gone');
    await expect(loop).rejects.toBe('gone');
    expect(seen).toEqual([1]);
  });

  test('leaves no listener on the signal, however the iteration continues', async () => {
    const { signal } = new AbortController();
    const scrivener = filled(0);
    const listeners = () => getEventListeners(signal, 'abort').length;
    const iterator = iterate(scrivener, 0, signal);
    expect(listeners()).toBe(0);
    const first = iterator.next();
    const second = iterator.next();
    expect(listeners()).toBe(1);
    scrivener.append(10);
    expect(listeners()).toBe(1);
    scrivener.append(20);
    await Promise.all([first, second]);
    expect(listeners()).toBe(0);

    void iterator.next();
    expect(listeners()).toBe(1);
    await iterator.return!();
    expect(listeners()).toBe(0);

    const last = iterate(scrivener, 2, signal).next();
    expect(listeners()).toBe(1);
    scrivener.complete();
    await last;
    expect(listeners()).toBe(0);
  });

  test('leaves no listener on the signal of a subscription, whichever way it ends', () => {
    const { signal } = new AbortController();
    const listeners = () => getEventListeners(signal, 'abort').length;
    const unsubscribed = filled(1).tail(0, { signal }).subscribe();
    expect(listeners()).toBe(1);
    unsubscribed.unsubscribe();
    expect(listeners()).toBe(0);
    const scrivener = filled(1);
    scrivener.tail(0, { signal }).subscribe();
    expect(listeners()).toBe(1);
    scrivener.complete();
    expect(listeners()).toBe(0);
    scrivener.tail(0, { signal }).subscribe();
    scrivener.readBackward(END, { signal }).subscribe();
    expect(listeners()).toBe(0);
    const controller = new AbortController();
    filled(1)
      .tail(0, { signal: controller.signal })
      .subscribe({ error: () => undefined });
    controller.abort();
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });
});

test('thousands of calls of next that wait are answered in order', async () => {
  const scrivener = filled(0);
  const iterator = iterate(scrivener);
  const calls = Array.from({ length: 5000 }, () => iterator.next());
  for (let n = 1; n <= 5000; n++) scrivener.append(n * 10);
  const positions = (await Promise.all(calls)).map(({ value }) => value?.position);
  expect(positions).toEqual(Array.from({ length: 5000 }, (_, n) => n + 1));
});
