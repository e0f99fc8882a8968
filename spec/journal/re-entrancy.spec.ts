/* eslint-disable rxjs-x/no-ignored-replay-buffer -- a plain ReplaySubject is what is compared with */
import { filter, ReplaySubject, Subject, Subscription, takeUntil } from 'rxjs';
import { InMemoryScrivener, JournalClosedError } from 'rx-scrivener';

const span = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe('the orders that re-entrant Subjects get wrong', () => {
  // https://github.com/ReactiveX/rxjs/issues/6580
  test('6580: a Subject gives those who subscribed later the values in another order; a journal does not', () => {
    const run = (next: (value: number) => void, subscribe: (f: (value: number) => void) => void) => {
      const before: number[] = [];
      const after: number[] = [];
      subscribe((value) => before.push(value));
      subscribe((value) => value === 2 && next(3));
      subscribe((value) => after.push(value));
      for (const value of [0, 1, 2]) next(value);
      return { before, after };
    };
    const subject = new Subject<number>();
    expect(
      run(
        (value) => subject.next(value),
        (f) => subject.subscribe(f),
      ),
    ).toEqual({ before: [0, 1, 2, 3], after: [0, 1, 3, 2] });
    const replay = new ReplaySubject<number>();
    expect(
      run(
        (value) => replay.next(value),
        (f) => replay.subscribe(f),
      ).after,
    ).toEqual([0, 1, 3, 2]);

    const scrivener = new InMemoryScrivener<number>();
    expect(
      run(
        (value) => scrivener.next(value),
        (f) => scrivener.tail().subscribe(({ entry }) => f(entry)),
      ),
    ).toEqual({
      before: [0, 1, 2, 3],
      after: [0, 1, 2, 3],
    });
    const filtered = new InMemoryScrivener<number>();
    const seen: number[] = [];
    filtered
      .tail()
      .pipe(filter(({ entry }) => entry === 2))
      .subscribe(() => filtered.next(3));
    filtered.tail().subscribe(({ entry }) => seen.push(entry));
    for (const value of [0, 1, 2]) filtered.next(value);
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  // https://github.com/ReactiveX/rxjs/pull/6930
  test('6930: what a ReplaySubject is given during its replay overtakes the replay; in a journal it comes after it', () => {
    const replay = new ReplaySubject<number>();
    for (const value of [1, 2, 3]) replay.next(value);
    const wrong: number[] = [];
    replay.subscribe((value) => {
      wrong.push(value);
      if (value <= 3) replay.next(value + 10);
    });
    expect(wrong).toEqual([1, 11, 2, 12, 3, 13]);

    const scrivener = new InMemoryScrivener<number>();
    for (const value of [1, 2, 3]) scrivener.next(value);
    const right: number[] = [];
    scrivener.tail().subscribe(({ entry }) => {
      right.push(entry);
      if (entry <= 3) scrivener.next(entry + 10);
    });
    expect(right).toEqual([1, 2, 3, 11, 12, 13]);
  });

  test('6930: a ReplaySubject replays to a nested subscriber what it then gets again or out of order; a journal gives each once', () => {
    const run = (next: (value: number) => void, subscribe: (f: (value: number) => void) => void) => {
      const nested: number[] = [];
      const last: number[] = [];
      let first = true;
      subscribe((value) => {
        if (value !== 1 || !first) return;
        first = false;
        next(2);
        subscribe((inner) => {
          nested.push(inner);
          if (inner === 1) next(3);
        });
      });
      subscribe((value) => last.push(value));
      next(1);
      return { nested, last };
    };
    const replay = new ReplaySubject<number>();
    const wrong = run(
      (value) => replay.next(value),
      (f) => replay.subscribe(f),
    );
    expect(wrong).toEqual({ nested: [1, 3, 2], last: [2, 3, 1] });
    const scrivener = new InMemoryScrivener<number>();
    const right = run(
      (value) => scrivener.next(value),
      (f) => scrivener.tail().subscribe(({ entry }) => f(entry)),
    );
    expect(right).toEqual({ nested: [1, 2, 3], last: [1, 2, 3] });
  });
});

describe('writing inside next', () => {
  test('reaches every subscriber in order, breadth first', () => {
    const scrivener = new InMemoryScrivener<number>();
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      scrivener.tail().subscribe(({ entry }) => {
        order.push(name + entry);
        if (name === 'b' && entry < 3) scrivener.next(entry + 1);
      });
    }
    scrivener.append(1);
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2', 'a3', 'b3', 'c3']);
  });

  test('returns the position at once, before the entry is delivered', async () => {
    const scrivener = new InMemoryScrivener<string>();
    const log: unknown[] = [];
    let written: Promise<number> | undefined;
    scrivener.tail().subscribe(({ position }) => {
      log.push(`next ${position}`);
      if (position === 1) {
        log.push(scrivener.append('b'), scrivener.head);
        written = scrivener.write('c', { expect: 2 });
      }
    });
    expect(scrivener.append('a')).toBe(1);
    expect(log).toEqual(['next 1', 2, 2, 'next 2', 'next 3']);
    await expect(written).resolves.toBe(3);
  });

  test('during the replay comes after the replay, for several subscribers', () => {
    const scrivener = new InMemoryScrivener<number>();
    for (let n = 1; n <= 3; n++) scrivener.append(n);
    const live: number[] = [];
    const replaying: number[] = [];
    scrivener.tail().subscribe(({ position }) => live.push(position));
    scrivener.tail().subscribe(({ position }) => {
      replaying.push(position);
      if (position <= 3) scrivener.append(0);
    });
    expect(replaying).toEqual([1, 2, 3, 4, 5, 6]);
    expect(live).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('by every subscriber of many gives each of them the same order', () => {
    const scrivener = new InMemoryScrivener<string>();
    const logs = Array.from({ length: 10 }, () => [] as string[]);
    logs.forEach((log, i) =>
      scrivener.tail().subscribe(({ position, entry }) => {
        log.push(`${position}${entry}`);
        if (entry === 'go') scrivener.append(`by${i}`);
      }),
    );
    scrivener.append('go');
    expect(logs[0]).toEqual(['1go', ...Array.from({ length: 10 }, (_, i) => `${i + 2}by${i}`)]);
    for (const log of logs) expect(log).toEqual(logs[0]);
  });

  test('a chain of 50,000 does not overflow the stack', () => {
    const scrivener = new InMemoryScrivener<number>();
    let seen = 0;
    scrivener.tail().subscribe(({ entry }) => {
      seen++;
      if (entry < 50_000) scrivener.append(entry + 1);
    });
    scrivener.append(1);
    expect(seen).toBe(50_000);
    expect(scrivener.head).toBe(50_000);
  });
});

describe('subscribing inside next', () => {
  test('sees everything once, the current entry and those after it included', () => {
    const scrivener = new InMemoryScrivener<number>();
    const nested: number[][] = [];
    const outer: number[] = [];
    scrivener.append(1);
    scrivener.tail().subscribe(({ position }) => {
      outer.push(position);
      if (position > 3) return;
      scrivener.append(0);
      const log: number[] = [];
      nested.push(log);
      scrivener.tail(position - 1).subscribe((record) => log.push(record.position));
    });
    scrivener.append(2);
    expect(outer).toEqual(span(1, scrivener.head));
    expect(scrivener.head).toBe(5);
    expect(nested).toEqual([span(1, 5), span(2, 5), span(3, 5)]);
  });

  test('after the current entry gets only what comes after it', () => {
    const scrivener = new InMemoryScrivener<number>();
    const nested: number[] = [];
    scrivener.tail().subscribe(({ position }) => {
      if (position === 1) scrivener.tail(1).subscribe((record) => nested.push(record.position));
    });
    scrivener.append(1);
    expect(nested).toEqual([]);
    scrivener.append(2);
    expect(nested).toEqual([2]);
  });

  test('inside complete replays and completes at once', () => {
    const scrivener = new InMemoryScrivener<number>();
    scrivener.append(1);
    const nested: unknown[] = [];
    scrivener.tail().subscribe({
      complete: () =>
        scrivener.tail().subscribe({ next: ({ position }) => nested.push(position), complete: () => nested.push('|') }),
    });
    scrivener.complete();
    expect(nested).toEqual([1, '|']);
    expect(scrivener.observed).toBe(false);
  });
});

describe('unsubscribing inside next', () => {
  test('of another subscriber that has not had the entry takes it from it', () => {
    const scrivener = new InMemoryScrivener<number>();
    const second: number[] = [];
    const third: number[] = [];
    const victim = new Subscription();
    scrivener.tail().subscribe(({ position }) => position === 2 && victim.unsubscribe());
    victim.add(scrivener.tail().subscribe(({ position }) => second.push(position)));
    scrivener.tail().subscribe(({ position }) => third.push(position));
    for (let n = 1; n <= 3; n++) scrivener.append(n);
    expect(second).toEqual([1]);
    expect(third).toEqual([1, 2, 3]);
  });

  test('of itself during the replay stops the replay there', () => {
    const scrivener = new InMemoryScrivener<number>();
    for (let n = 1; n <= 3; n++) scrivener.append(n);
    const seen: number[] = [];
    const stop = new Subject<void>();
    scrivener
      .tail()
      .pipe(takeUntil(stop))
      .subscribe(({ position }) => {
        seen.push(position);
        if (position === 2) stop.next();
      });
    expect(seen).toEqual([1, 2]);
    expect(scrivener.observed).toBe(false);
  });

  test('of itself while entries wait after it', () => {
    const scrivener = new InMemoryScrivener<number>();
    const seen: number[] = [];
    const other: number[] = [];
    const subscription = scrivener.tail().subscribe(({ position }) => {
      seen.push(position);
      scrivener.append(0);
      if (position === 2) subscription.unsubscribe();
    });
    scrivener.tail().subscribe(({ position }) => other.push(position));
    scrivener.append(1);
    expect(seen).toEqual([1, 2]);
    expect(other).toEqual([1, 2, 3]);
  });
});

describe('ending inside next', () => {
  test.each(['complete', 'error'] as const)('%s ends everyone after the last entry, what waits included', (end) => {
    const scrivener = new InMemoryScrivener<number>();
    const logs: unknown[][] = [[], [], []];
    logs.forEach((log, i) =>
      scrivener.tail().subscribe({
        next: ({ position }) => {
          log.push(position);
          if (i !== 1 || position !== 1) return;
          scrivener.append(0);
          scrivener[end]('end');
          expect(() => scrivener.append(0)).toThrow(JournalClosedError);
          scrivener.next(0);
        },
        error: (error: unknown) => log.push(error),
        complete: () => log.push('end'),
      }),
    );
    scrivener.append(1);
    for (const log of logs) expect(log).toEqual([1, 2, 'end']);
    expect(scrivener.observed).toBe(false);
    expect(scrivener.head).toBe(2);
  });

  test('during the replay of one subscriber', () => {
    const scrivener = new InMemoryScrivener<number>();
    for (let n = 1; n <= 3; n++) scrivener.append(n);
    const live: unknown[] = [];
    scrivener.tail().subscribe({ next: ({ position }) => live.push(position), complete: () => live.push('|') });
    const replaying: unknown[] = [];
    scrivener.tail().subscribe({
      next: ({ position }) => {
        replaying.push(position);
        if (position === 1) scrivener.complete();
      },
      complete: () => replaying.push('|'),
    });
    expect(live).toEqual([1, 2, 3, '|']);
    expect(replaying).toEqual([1, 2, 3, '|']);
  });

  test('a subscriber that joins after the end inside next completes, and does so once', () => {
    const scrivener = new InMemoryScrivener<number>();
    const nested: unknown[] = [];
    scrivener.tail().subscribe(({ position }) => {
      if (position > 1) return;
      scrivener.append(0);
      scrivener.complete();
      scrivener.tail().subscribe({ next: (record) => nested.push(record.position), complete: () => nested.push('|') });
    });
    scrivener.append(0);
    expect(nested).toEqual([1, 2, '|']);
  });
});
