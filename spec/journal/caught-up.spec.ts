import { take } from 'rxjs';
import { END, InMemoryScrivener, TappedScrivener } from 'rx-scrivener';

function filled(count: number): InMemoryScrivener<number> {
  const scrivener = new InMemoryScrivener<number>();
  for (let n = 1; n <= count; n++) scrivener.append(n);
  return scrivener;
}

/** What a subscription sees, in order, with the moment it caught up. */
function watch(scrivener: InMemoryScrivener<number>, after?: number): (number | string)[] {
  const seen: (number | string)[] = [];
  scrivener.tail(after, { caughtUp: (position) => seen.push(`caught up at ${position}`) }).subscribe({
    next: ({ position }) => seen.push(position),
    error: (error: unknown) => seen.push((error as Error).message),
    complete: () => seen.push('complete'),
  });
  return seen;
}

describe('caughtUp', () => {
  test('comes once, between replay and live', () => {
    const scrivener = filled(3);
    const seen = watch(scrivener, 1);
    scrivener.append(4);
    scrivener.append(5);
    expect(seen).toEqual([2, 3, 'caught up at 3', 4, 5]);
  });

  test('comes at once on an empty journal, and after its end', () => {
    expect(watch(filled(0))).toEqual(['caught up at 0']);
    expect(watch(filled(2), 7)).toEqual(['caught up at 2']);
  });

  test('comes before the end of a journal that has ended', () => {
    const completed = filled(1);
    completed.complete();
    expect(watch(completed)).toEqual([1, 'caught up at 1', 'complete']);
    const errored = filled(1);
    errored.error(new Error('broken'));
    expect(watch(errored)).toEqual([1, 'caught up at 1', 'broken']);
    expect(watch(filled(1), END)).toEqual(['caught up at 1', 'complete']);
  });

  test('comes after what a subscriber writes while it is replayed to', () => {
    const scrivener = filled(2);
    const seen: (number | string)[] = [];
    scrivener.tail(0, { caughtUp: () => seen.push('caught up') }).subscribe(({ position }) => {
      seen.push(position);
      if (position === 1) scrivener.append(3);
    });
    expect(seen).toEqual([1, 2, 3, 'caught up']);
  });

  test('may write itself, and comes for each subscription again', () => {
    const scrivener = filled(1);
    const seen: (number | string)[] = [];
    const tail = scrivener.tail(0, {
      caughtUp: (position) => {
        seen.push(`caught up at ${position}`);
        if (position === 1) scrivener.append(2);
      },
    });
    tail.subscribe(({ position }) => seen.push(position));
    tail.subscribe(({ position }) => seen.push(-position));
    expect(seen).toEqual([1, 'caught up at 1', 2, -1, -2, 'caught up at 2']);
  });

  test('does not come to one who leaves before', () => {
    const caughtUp = jest.fn();
    filled(3).tail(0, { caughtUp }).pipe(take(3)).subscribe();
    expect(caughtUp).not.toHaveBeenCalled();
  });

  test('errors the stream when it throws', () => {
    const scrivener = filled(1);
    const errors: unknown[] = [];
    const failure = new Error('from caughtUp');
    scrivener
      .tail(0, {
        caughtUp: () => {
          throw failure;
        },
      })
      .subscribe({ error: (error: unknown) => errors.push(error) });
    expect(errors).toEqual([failure]);
    expect(scrivener.observed).toBe(false);
  });

  test('comes to an iteration when it asks for more than there is', async () => {
    const scrivener = filled(2);
    const caughtUp = jest.fn();
    const iterator = new TappedScrivener(scrivener, (entry, inner) => inner.write(entry))
      .tail(0, { caughtUp })
      [Symbol.asyncIterator]();
    await iterator.next();
    await iterator.next();
    expect(caughtUp).not.toHaveBeenCalled();
    const third = iterator.next();
    expect(caughtUp).toHaveBeenCalledWith(2);
    scrivener.append(3);
    expect((await third).value).toEqual({ position: 3, entry: 3 });
    expect(caughtUp).toHaveBeenCalledTimes(1);
  });

  test('may abort the iteration that it comes to, which then ends with the reason', async () => {
    const scrivener = filled(2);
    const enough = new AbortController();
    const caughtUp = () => enough.abort(new Error('read it all'));
    const read: number[] = [];
    const reading = (async () => {
      for await (const { entry } of scrivener.tail(0, { signal: enough.signal, caughtUp })) read.push(entry);
    })();
    await expect(reading).rejects.toThrow('read it all');
    expect([read, scrivener.observed]).toEqual([[1, 2], false]);
  });

  test('may request the next entry of the iteration that it comes to', async () => {
    const scrivener = filled(0);
    let second: Promise<unknown> | undefined;
    const caughtUp = () => {
      scrivener.append(1);
      second = iterator.next();
    };
    const iterator = scrivener.tail(0, { caughtUp })[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual({ done: false, value: { position: 1, entry: 1 } });
    scrivener.append(2);
    expect(await second).toEqual({ done: false, value: { position: 2, entry: 2 } });
    expect(scrivener.observed).toBe(false);
  });

  test('may end the iteration that it comes to', async () => {
    const scrivener = filled(1);
    const iterator = scrivener.tail(0, { caughtUp: () => void iterator.return?.() })[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toEqual({ position: 1, entry: 1 });
    expect((await iterator.next()).done).toBe(true);
    expect(scrivener.observed).toBe(false);
  });
});

describe('head$', () => {
  test('gives the head, then each further position, and completes', () => {
    const scrivener = filled(2);
    const seen: unknown[] = [];
    scrivener.head$.subscribe({ next: (position) => seen.push(position), complete: () => seen.push('complete') });
    scrivener.append(3);
    scrivener.append(4);
    scrivener.complete();
    expect(seen).toEqual([2, 3, 4, 'complete']);
  });

  test('is released when it is unsubscribed', () => {
    const scrivener = filled(0);
    const subscription = scrivener.head$.subscribe();
    expect(scrivener.observed).toBe(true);
    subscription.unsubscribe();
    expect(scrivener.observed).toBe(false);
  });
});
