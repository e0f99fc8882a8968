/* eslint-disable rxjs-x/throw-error, rxjs-x/no-subscribe-in-pipe -- marbles error with a text */
import {
  auditTime,
  concat,
  debounceTime,
  EMPTY,
  endWith,
  filter,
  ignoreElements,
  map,
  NEVER,
  Observable,
  of,
  range,
  startWith,
  Subject,
  switchMap,
  take,
  takeLast,
  tap,
  throwError,
  timer,
  toArray,
  type OperatorFunction,
} from 'rxjs';
import { TestScheduler, type RunHelpers } from 'rxjs/testing';
import { anyOf, bufferUntil, byteThreshold, countThreshold, elapsed, type Positioned } from 'rx-scrivener';

const marbles = (run: (helpers: RunHelpers) => void): void =>
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(run);

const joined =
  <V>(predicate: OperatorFunction<readonly V[], unknown>) =>
  (source: Observable<V>) =>
    source.pipe(
      bufferUntil<V>(predicate as never),
      map((batch) => batch.join('')),
    );

const values = { a: 'a', b: 'b', c: 'c', d: 'd', e: 'e', x: 'ab', y: 'cd', z: 'abc' };

describe('countThreshold', () => {
  test('1 emits every value at once', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-(bc)-d--|');
      const subs = '        ^----------!';
      const expected = '    -a-(bc)-d--|';
      expectObservable(source.pipe(joined(countThreshold(1)))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('2 emits pairs, and what is left at the end', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-b--c-d-e-|');
      const subs = '        ^-----------!';
      const expected = '    ---x----y---(e|)';
      expectObservable(source.pipe(joined(countThreshold(2)))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('3, with no rest: no empty batch at the end', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b-c-|');
      const expected = '    -----z-|';
      expectObservable(source.pipe(joined(countThreshold(3)))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe('^------!');
    }));

  test.each([0, -1, 1.5, NaN, Infinity, '2' as unknown as number])('%p is a RangeError', (count) => {
    expect(() => countThreshold(count)).toThrow(RangeError);
    expect(() => countThreshold(count)).toThrow(/count/);
  });

  test.each([1, 2, 3, 7])('%d cuts a synchronous source exactly', (count) => {
    const batches: number[][] = [];
    range(0, 20)
      .pipe(bufferUntil(countThreshold(count)))
      .subscribe((batch) => batches.push(batch));
    expect(batches.flat()).toEqual(Array.from({ length: 20 }, (_, n) => n));
    for (const batch of batches.slice(0, -1)) expect(batch).toHaveLength(count);
    expect(batches.at(-1)).toHaveLength(20 % count || count);
  });
});

describe('bufferUntil', () => {
  test('empty: completes without a batch, and never subscribes the predicate', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('|');
      const predicate = jest.fn(() => of(1));
      expectObservable(source.pipe(joined(predicate))).toBe('|');
      expectSubscriptions(source.subscriptions).toBe('(^!)');
      expectObservable(cold('---|').pipe(joined(predicate))).toBe('---|');
      expect(predicate).not.toHaveBeenCalled();
    }));

  test('never', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-');
      expectObservable(source.pipe(joined(countThreshold(1)))).toBe('-');
      expectSubscriptions(source.subscriptions).toBe('^');
    }));

  test('error of the source comes after what was collected', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-c-#', values);
      expectObservable(source.pipe(joined(countThreshold(2)))).toBe('---x---(c#)', values);
      expectSubscriptions(source.subscriptions).toBe('^------!');
      expectObservable(cold('#').pipe(joined(countThreshold(2)))).toBe('#');
      expectObservable(cold('-a-b-#', values).pipe(joined(countThreshold(2)))).toBe('---x-#', values);
    }));

  test('early unsubscribe reaches the source and the predicate', () =>
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-b-c-d-|');
      const unsub = '       ----!';
      const notifier = cold('-----n');
      expectObservable(source.pipe(joined(() => notifier)), unsub).toBe('-----', values);
      expectSubscriptions(source.subscriptions).toBe('^---!');
      expectSubscriptions(notifier.subscriptions).toBe('-^--!');
    }));

  test('the predicate is subscribed when the first value of each batch joins, and only while it grows', () =>
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-b-------c-d-|', values);
      const notifier = cold('----n');
      const expected = '    -----x---------(y|)';
      expectObservable(source.pipe(joined(() => notifier))).toBe(expected, values);
      expectSubscriptions(notifier.subscriptions).toBe(['-^---!', '-----------^---!']);
    }));

  test('a completed predicate leaves its batch to the end of the source', () =>
    marbles(({ hot, expectObservable }) => {
      const source = hot('-a-b-c-|', values);
      expectObservable(source.pipe(joined(() => EMPTY))).toBe('-------(z|)', values);
      expectObservable(source.pipe(joined(ignoreElements()))).toBe('-------(z|)', values);
      expectObservable(source.pipe(joined(() => timer(1).pipe(ignoreElements())))).toBe('-------(z|)', values);
    }));

  test('NEVER as a predicate keeps everything for the end, the end of the source does not complete it', () =>
    marbles(({ hot, expectObservable }) => {
      const source = hot('-a-b-c-|', values);
      expectObservable(source.pipe(joined(() => NEVER))).toBe('-------(z|)', values);
      // Growth does not complete: what waits for its end does not fire at the cut.
      expectObservable(source.pipe(joined(takeLast(1)))).toBe('-------(z|)', values);
      expectObservable(source.pipe(joined((growth) => growth.pipe(ignoreElements(), endWith(1))))).toBe(
        '-------(z|)',
        values,
      );
    }));

  test('a predicate that emits synchronously cuts after each first value', () =>
    marbles(({ hot, expectObservable }) => {
      const source = hot('-a-(bc)-|', values);
      for (const predicate of [() => of(1), startWith<unknown>(0), () => of(1, 2, 3), () => concat(of(1), NEVER)]) {
        expectObservable(source.pipe(joined(predicate as never))).toBe('-a-(bc)-|', values);
      }
    }));

  test('a predicate that emits several times at once cuts once', () => {
    const batches: number[][] = [];
    range(0, 4)
      .pipe(bufferUntil(switchMap((batch) => (batch.length === 2 ? of(1, 2, 3) : EMPTY))))
      .subscribe((batch) => batches.push(batch));
    expect(batches).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  test('a second emission of a predicate that has cut does not cut the batch after', () => {
    const source = new Subject<number>();
    const batches: number[][] = [];
    let calls = 0;
    source.pipe(bufferUntil(() => (++calls === 1 ? of(1, 2) : NEVER))).subscribe((batch) => {
      batches.push(batch);
      if (batch[0] === 1) source.next(2);
    });
    source.next(1);
    expect(batches).toEqual([[1]]);
    source.next(3);
    source.complete();
    expect(batches).toEqual([[1], [2, 3]]);
  });

  test('a predicate that throws when called errors after the value', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('-a-b-|', values);
      const predicate = () => {
        throw 'error';
      };
      expectObservable(source.pipe(joined(predicate))).toBe('-(a#)', values);
      expectSubscriptions(source.subscriptions).toBe('^!');
    }));

  test('a predicate whose callback throws errors after what is collected, the newest value included', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('-a-b-c-|', values);
      const predicate = filter((batch: readonly string[]) => {
        if (batch.length === 3) throw 'error';
        return false;
      });
      expectObservable(source.pipe(joined(predicate))).toBe('-----(z#)', values);
      expectSubscriptions(source.subscriptions).toBe('^----!');
    }));

  test('a predicate that errors later errors after what is collected', () =>
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source = hot('-a-b-----|', values);
      const notifier = cold('----#');
      expectObservable(source.pipe(joined(() => notifier))).toBe('-----(x#)', values);
      expectSubscriptions(source.subscriptions).toBe('^----!');
      expectSubscriptions(notifier.subscriptions).toBe('-^---!');
    }));

  test('a predicate that errors in a later batch does not lose that batch', () => {
    const log: unknown[] = [];
    let batch = 0;
    range(1, 10)
      .pipe(
        bufferUntil((growth) => {
          batch++;
          if (batch === 3) return throwError(() => 'broken');
          return growth.pipe(filter((b) => b.length === 2));
        }),
      )
      .subscribe({ next: (b) => log.push(b), error: (error: unknown) => log.push(error) });
    expect(log).toEqual([[1, 2], [3, 4], [5], 'broken']);
  });

  test('the predicate is handed the same array, growing, from the first value on; that array is what is emitted', () => {
    const source = new Subject<number>();
    const handed: (readonly number[])[] = [];
    const lengths: number[] = [];
    const batches: number[][] = [];
    source
      .pipe(
        bufferUntil((growth) =>
          growth.pipe(
            tap((batch) => {
              handed.push(batch);
              lengths.push(batch.length);
            }),
            filter((batch) => batch.length === 3),
          ),
        ),
      )
      .subscribe((batch) => batches.push(batch));
    for (let n = 1; n <= 7; n++) source.next(n);
    expect(lengths).toEqual([1, 2, 3, 1, 2, 3, 1]);
    expect(new Set(handed).size).toBe(3);
    expect(handed[1]).toBe(handed[0]);
    expect(handed[3]).not.toBe(handed[2]);
    expect(batches).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(handed[5]).toBe(handed[3]);
  });

  test('a cut batch never changes again: a batch frozen by its consumer does not break what follows', () => {
    const source = new Subject<number>();
    const batches: (readonly number[])[] = [];
    const copies: number[][] = [];
    source.pipe(bufferUntil(countThreshold(2))).subscribe((batch) => {
      batches.push(Object.freeze(batch));
      copies.push([...batch]);
    });
    for (let n = 1; n <= 9; n++) source.next(n);
    source.complete();
    expect(batches).toEqual(copies);
    expect(copies).toEqual([[1, 2], [3, 4], [5, 6], [7, 8], [9]]);
    expect(new Set(batches).size).toBe(5);
  });

  test('a cut batch does not change when the consumer feeds the source', () => {
    const source = new Subject<number>();
    const copies: number[][] = [];
    const batches: number[][] = [];
    source.pipe(bufferUntil(countThreshold(2))).subscribe((batch) => {
      batches.push(batch);
      copies.push([...batch]);
      if (batch[0]! < 10) for (const n of [10, 11, 12]) source.next(n);
    });
    source.next(1);
    source.next(2);
    source.next(13);
    expect(copies).toEqual([
      [1, 2],
      [10, 11],
      [12, 13],
    ]);
    expect(batches).toEqual(copies);
  });

  test('a predicate that feeds the source loses and repeats nothing', () => {
    const source = new Subject<number>();
    const batches: number[][] = [];
    source
      .pipe(
        bufferUntil((growth) =>
          growth.pipe(
            tap((batch) => {
              if (batch.at(-1) === 1) source.next(2);
            }),
            filter((batch) => batch.length >= 2),
          ),
        ),
      )
      .subscribe((batch) => batches.push([...batch]));
    source.next(1);
    source.next(3);
    source.next(4);
    expect(batches).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test('a consumer that completes the source inside a batch ends it once', () => {
    const source = new Subject<number>();
    const log: unknown[] = [];
    source.pipe(bufferUntil(countThreshold(1))).subscribe({
      next: (batch) => {
        log.push(batch);
        source.complete();
      },
      complete: () => log.push('|'),
    });
    source.next(1);
    expect(log).toEqual([[1], '|']);
  });

  test.each([1, 2])('take(%d) of a synchronous source of a million pulls only what it needs', (count) => {
    let pulled = 0;
    const batches: number[][] = [];
    range(0, 1_000_000)
      .pipe(
        tap(() => pulled++),
        bufferUntil(countThreshold(3)),
        take(count),
      )
      .subscribe((batch) => batches.push(batch));
    expect(batches).toHaveLength(count);
    expect(pulled).toBe(3 * count);
  });

  test('has its state per subscription', () => {
    const source = new Subject<number>();
    const stream = source.pipe(bufferUntil(countThreshold(2)));
    const a: number[][] = [];
    const b: number[][] = [];
    stream.subscribe((batch) => a.push(batch));
    source.next(1);
    stream.subscribe((batch) => b.push(batch));
    source.next(2);
    source.next(3);
    expect(a).toEqual([[1, 2]]);
    expect(b).toEqual([[2, 3]]);
  });

  test('unsubscribing inside a batch leaves nothing subscribed', () => {
    const source = new Subject<number>();
    let predicates = 0;
    source
      .pipe(
        bufferUntil(
          (growth) =>
            new Observable((subscriber) => {
              predicates++;
              subscriber.add(() => predicates--);
              subscriber.add(growth.pipe(filter((batch) => batch.length === 2)).subscribe(subscriber));
            }),
        ),
        take(1),
      )
      .subscribe();
    source.next(1);
    expect(predicates).toBe(1);
    source.next(2);
    expect(predicates).toBe(0);
    expect(source.observed).toBe(false);
  });

  test('the predicate is unsubscribed when the source completes or errors', () => {
    for (const end of ['complete', 'error'] as const) {
      const source = new Subject<number>();
      const notifier = new Subject<void>();
      source.pipe(bufferUntil(() => notifier)).subscribe({ error: () => undefined });
      source.next(1);
      expect(notifier.observed).toBe(true);
      source[end]('end');
      expect(notifier.observed).toBe(false);
    }
  });
});

describe('stock operators as predicates', () => {
  test('filter', () =>
    marbles(({ hot, expectObservable }) => {
      const source = hot('  -a-b-c--d-|', values);
      const predicate = filter((batch: readonly string[]) => batch.at(-1) === 'b' || batch.length > 2);
      expectObservable(source.pipe(joined(predicate))).toBe('---x------(y|)', values);
    }));

  test('debounceTime cuts when nothing has come for that long', () =>
    marbles(({ hot, expectObservable }) => {
      const source = hot('  -a-b--------c-d-----|', values);
      const expected = '    ------x----------y--|';
      expectObservable(source.pipe(joined(debounceTime(3)))).toBe(expected, values);
    }));

  test('auditTime cuts that long after the first value', () =>
    marbles(({ hot, expectObservable }) => {
      const source = hot('  -a-b-c----d-------|', { ...values, d: 'd' });
      const expected = '    ------z--------d--|';
      expectObservable(source.pipe(joined(auditTime(5)))).toBe(expected, values);
    }));

  test('() => timer cuts that long after the first value, with no further entry', () =>
    marbles(({ hot, expectObservable }) => {
      const source = hot('  -a-b-----c-d-------', values);
      const expected = '    -----x-------y-----';
      expectObservable(source.pipe(joined(() => timer(4)))).toBe(expected, values);
    }));
});

describe('elapsed', () => {
  test('fires by the clock alone, again for each batch', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a---------b--c----|', values);
      const expected = '    ------a---------y--|';
      expectObservable(source.pipe(joined(elapsed(5)))).toBe(expected, { a: 'a', y: 'bc' });
      expectSubscriptions(source.subscriptions).toBe('^------------------!');
    }));

  test('leaves the rest to the end of the source when that is sooner', () =>
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('-a-b-|', values).pipe(joined(elapsed(50)))).toBe('-----(x|)', values);
      expectObservable(hot('-a-b-#', values).pipe(joined(elapsed(50)))).toBe('-----(x#)', values);
    }));

  test('takes a scheduler', () => {
    const scheduler = new TestScheduler(() => undefined);
    const source = new Subject<string>();
    const batches: string[][] = [];
    source.pipe(bufferUntil(elapsed(5, scheduler))).subscribe((batch) => batches.push(batch));
    source.next('a');
    expect(batches).toEqual([]);
    scheduler.flush();
    expect(batches).toEqual([['a']]);
    expect(scheduler.frame).toBe(5);
  });

  test('Infinity never fires and sets no timer', () => {
    jest.useFakeTimers();
    try {
      const source = new Subject<number>();
      const batches: number[][] = [];
      source.pipe(bufferUntil(elapsed(Infinity))).subscribe((batch) => batches.push(batch));
      source.next(1);
      expect(jest.getTimerCount()).toBe(0);
      expect(batches).toEqual([]);
      source.complete();
      expect(batches).toEqual([[1]]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('its timer goes with the batch', () => {
    jest.useFakeTimers();
    try {
      const source = new Subject<number>();
      const subscription = source.pipe(bufferUntil(anyOf(elapsed(1000), countThreshold(2)))).subscribe();
      source.next(1);
      expect(jest.getTimerCount()).toBe(1);
      source.next(2);
      expect(jest.getTimerCount()).toBe(0);
      source.next(3);
      expect(jest.getTimerCount()).toBe(1);
      subscription.unsubscribe();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  test('0 and 2^31-1 are the limits', () => {
    expect(() => elapsed(0)).not.toThrow();
    expect(() => elapsed(2 ** 31 - 1)).not.toThrow();
  });

  test.each([-1, NaN, 2 ** 31, -Infinity])('%p is a RangeError', (ms) => {
    expect(() => elapsed(ms)).toThrow(RangeError);
    expect(() => elapsed(ms)).toThrow(/ms/);
  });
});

describe('byteThreshold', () => {
  const positioned = (...entries: string[]) =>
    entries.map((entry, n): Positioned<string> => ({ position: n + 1, entry }));
  const cut = (bytes: number, ...entries: string[]) => {
    const measured: string[] = [];
    const batches: string[][] = [];
    of(...positioned(...entries))
      .pipe(
        bufferUntil(
          byteThreshold<string>(bytes, ({ entry }) => {
            measured.push(entry);
            return entry.length;
          }) as OperatorFunction<readonly Positioned<string>[], unknown>,
        ),
      )
      .subscribe((batch) => batches.push(batch.map(({ entry }) => entry)));
    return { measured, batches };
  };

  test('cuts as soon as the sum is reached, exactly or past it', () => {
    expect(cut(4, 'aa', 'bb', 'c', 'dddddd', 'e').batches).toEqual([['aa', 'bb'], ['c', 'dddddd'], ['e']]);
  });

  test('measures each entry once', () => {
    const entries = Array.from({ length: 500 }, (_, n) => 'x'.repeat((n % 3) + 1));
    expect(cut(50, ...entries).measured).toEqual(entries);
    expect(cut(Infinity, ...entries).measured).toEqual(entries);
  });

  test('0 cuts after every entry, Infinity never', () => {
    expect(cut(0, '', 'b').batches).toEqual([[''], ['b']]);
    expect(cut(Infinity, 'a', 'b').batches).toEqual([['a', 'b']]);
  });

  test('measures all of a snapshot that is longer than one entry when it is first seen', () => {
    const measured: number[] = [];
    const seen: number[] = [];
    const growth = new Subject<readonly Positioned<string>[]>();
    growth.pipe(byteThreshold<string>(3, ({ position }) => measured.push(position) && 1)).subscribe(() => seen.push(1));
    growth.next(positioned('a', 'b'));
    expect(measured).toEqual([1, 2]);
    expect(seen).toHaveLength(0);
    growth.next(positioned('a', 'b', 'c'));
    expect(measured).toEqual([1, 2, 3]);
    expect(seen).toHaveLength(1);
  });

  test('has its state per subscription', () => {
    const growth = new Subject<readonly Positioned<string>[]>();
    const sized = growth.pipe(byteThreshold<string>(2, () => 1));
    const fired: string[] = [];
    sized.subscribe(() => fired.push('a'));
    growth.next(positioned('x'));
    sized.subscribe(() => fired.push('b'));
    growth.next(positioned('x', 'y'));
    expect(fired).toEqual(['a', 'b']);
  });

  test('a sizeOf that throws is the error of the predicate', () => {
    const log: unknown[] = [];
    of(...positioned('a', 'b'))
      .pipe(
        bufferUntil(
          byteThreshold<string>(10, ({ entry }) => {
            if (entry === 'b') throw new Error('no size');
            return 1;
          }) as OperatorFunction<readonly Positioned<string>[], unknown>,
        ),
      )
      .subscribe({
        next: (batch) => log.push(batch.length),
        error: (error: unknown) => log.push((error as Error).message),
      });
    expect(log).toEqual([2, 'no size']);
  });

  test.each([-1, NaN, -Infinity])('%p is a RangeError', (bytes) => {
    expect(() => byteThreshold(bytes, () => 1)).toThrow(RangeError);
  });
});

describe('anyOf', () => {
  test('cuts when the first of them would', () =>
    marbles(({ hot, expectObservable }) => {
      const source = hot('  -a-b-c-------d------|', values);
      const expected = '    ---x-----c-------d--|';
      expectObservable(source.pipe(joined(anyOf(countThreshold(2), elapsed(4))))).toBe(expected, values);
    }));

  test('of one is that one, of none never cuts', () =>
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('-a-b-|', values).pipe(joined(anyOf(countThreshold(1))))).toBe('-a-b-|', values);
      expectObservable(hot('-a-b-|', values).pipe(joined(anyOf()))).toBe('-----(x|)', values);
    }));

  test('as an operator merges them over one subscription', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b---|', values);
      const upper = map((v: string) => v.toUpperCase());
      const onlyB = filter((v: string) => v === 'b');
      expectObservable(source.pipe(anyOf<string>(upper, onlyB))).toBe('-A-(Bb)|', { A: 'A', B: 'B', b: 'b' });
      expectSubscriptions(source.subscriptions).toBe('^------!');
    }));

  test('passes errors on: of the source, of a predicate, of a callback, of a call', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const never = ignoreElements();
      expectObservable(cold('--#').pipe(anyOf(never, never))).toBe('--#');
      const source = cold('-a-b-|', values);
      expectObservable(source.pipe(anyOf<string>(never, () => cold('--#')))).toBe('--#');
      expectSubscriptions(source.subscriptions).toBe('^-!');
      const throwing = filter<string>(() => {
        throw 'error';
      });
      expectObservable(cold('-a-|', values).pipe(anyOf<string>(never, throwing))).toBe('-#');
      const uncallable = () => {
        throw 'error';
      };
      expectObservable(cold('-a-|', values).pipe(anyOf<string>(never, uncallable))).toBe('#');
    }));

  test('unsubscribed early releases everything', () =>
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = hot('-a-b-');
      const other = cold('-----x');
      expectObservable(source.pipe(anyOf<string>(ignoreElements(), () => other)), '---!').toBe('----');
      expectSubscriptions(source.subscriptions).toBe('^--!');
      expectSubscriptions(other.subscriptions).toBe('^--!');
    }));

  test('a synchronous one cuts after every value', () => {
    const batches: number[][] = [];
    range(0, 3)
      .pipe(bufferUntil(anyOf(countThreshold(10), () => of(1))), toArray())
      .subscribe((all) => batches.push(...all));
    expect(batches).toEqual([[0], [1], [2]]);
  });

  test('can be nested, and used again', () => {
    const predicate = anyOf(
      anyOf(countThreshold(3), () => NEVER),
      countThreshold(2),
    );
    for (let i = 0; i < 2; i++) {
      const batches: number[][] = [];
      range(0, 4)
        .pipe(bufferUntil(predicate))
        .subscribe((batch) => batches.push(batch));
      expect(batches).toEqual([
        [0, 1],
        [2, 3],
      ]);
    }
  });
});
