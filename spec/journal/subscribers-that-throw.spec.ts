/* eslint-disable @typescript-eslint/no-deprecated -- a raw Subscriber is made of what RxJS calls internal */
import { config, finalize, map, Subscriber, take, type Observer } from 'rxjs';
import { InMemoryScrivener, type Positioned } from 'rx-scrivener';

const reported: unknown[] = [];

beforeEach(() => {
  jest.useFakeTimers();
  reported.length = 0;
  config.onUnhandledError = (error) => reported.push(error);
});

afterEach(() => {
  config.onUnhandledError = null;
  jest.useRealTimers();
});

/** A subscriber that has none of the protection that `subscribe` gives an observer. */
class Raw extends Subscriber<Positioned<number>> {
  readonly seen: number[] = [];
  constructor(readonly throwing: 'next' | 'complete' | 'error') {
    super({ next() {}, error() {}, complete() {} } as Observer<Positioned<number>>);
  }
  protected override _next({ position }: Positioned<number>): void {
    this.seen.push(position);
    if (this.throwing === 'next') throw new Error(`raw ${position}`);
  }
  protected override _complete(): void {
    if (this.throwing === 'complete') throw new Error('raw complete');
    super._complete();
  }
  protected override _error(error: unknown): void {
    if (this.throwing === 'error') throw new Error('raw error');
    super._error(error);
  }
}

function onlooker(scrivener: InMemoryScrivener<number>): unknown[] {
  const log: unknown[] = [];
  scrivener.tail().subscribe({
    next: ({ position }) => log.push(position),
    error: (error: unknown) => log.push(error),
    complete: () => log.push('|'),
  });
  return log;
}

test('an observer whose next throws harms nobody, and the error is reported as RxJS does', () => {
  const scrivener = new InMemoryScrivener<number>();
  const before = onlooker(scrivener);
  const boom = new Error('boom');
  const own: number[] = [];
  scrivener.tail().subscribe(({ position }) => {
    own.push(position);
    throw boom;
  });
  const after = onlooker(scrivener);
  expect(scrivener.append(1)).toBe(1);
  expect(scrivener.append(2)).toBe(2);
  scrivener.complete();
  expect(before).toEqual([1, 2, '|']);
  expect(after).toEqual([1, 2, '|']);
  expect(own).toEqual([1, 2]);
  expect(reported).toEqual([]);
  jest.runAllTimers();
  expect(reported).toEqual([boom, boom]);
});

test('an observer whose next throws during the replay still gets the rest and what comes', () => {
  const scrivener = new InMemoryScrivener<number>();
  scrivener.append(1);
  scrivener.append(2);
  const own: number[] = [];
  scrivener.tail().subscribe(({ position }) => {
    own.push(position);
    throw new Error('boom');
  });
  scrivener.append(3);
  expect(own).toEqual([1, 2, 3]);
  jest.runAllTimers();
  expect(reported).toHaveLength(3);
});

test('observers whose complete or error throws harm nobody', () => {
  for (const end of ['complete', 'error'] as const) {
    const scrivener = new InMemoryScrivener<number>();
    const boom = () => {
      throw new Error('boom');
    };
    const before = onlooker(scrivener);
    scrivener.tail().subscribe({ complete: boom, error: boom });
    const after = onlooker(scrivener);
    expect(() => scrivener[end]('|')).not.toThrow();
    expect([before, after]).toEqual([['|'], ['|']]);
  }
  jest.runAllTimers();
  expect(reported).toHaveLength(2);
});

test('a tail without an error handler reports the error of the journal and harms nobody', () => {
  const scrivener = new InMemoryScrivener<number>();
  scrivener.tail().subscribe();
  const after = onlooker(scrivener);
  expect(() => scrivener.error('broken')).not.toThrow();
  expect(after).toEqual(['broken']);
  jest.runAllTimers();
  expect(reported).toEqual(['broken']);
});

test('an operator that throws ends its own subscription only', () => {
  const scrivener = new InMemoryScrivener<number>();
  const failed: unknown[] = [];
  scrivener
    .tail()
    .pipe(
      map(({ position }) => {
        if (position === 2) throw new Error('boom');
        return position;
      }),
    )
    .subscribe({
      next: (position) => failed.push(position),
      error: (error: unknown) => failed.push((error as Error).message),
    });
  const after = onlooker(scrivener);
  for (let n = 1; n <= 3; n++) scrivener.append(n);
  expect(failed).toEqual([1, 'boom']);
  expect(after).toEqual([1, 2, 3]);
});

test('a raw Subscriber whose _next throws harms neither the writer nor the others, and is reported', () => {
  const scrivener = new InMemoryScrivener<number>();
  const before = onlooker(scrivener);
  scrivener.tail().subscribe(new Raw('next'));
  const after = onlooker(scrivener);
  expect(scrivener.append(1)).toBe(1);
  scrivener.append(2);
  expect(before).toEqual([1, 2]);
  expect(after).toEqual([1, 2]);
  expect(reported).toEqual([]);
  jest.runAllTimers();
  expect(reported).not.toEqual([]);
  expect(String(reported[0])).toContain('raw 1');
});

test('a raw Subscriber whose _next throws inside a re-entrant write leaves the order of the others as it is', () => {
  const scrivener = new InMemoryScrivener<number>();
  const before = onlooker(scrivener);
  scrivener.tail().subscribe(({ position }) => position === 1 && scrivener.append(2));
  scrivener.tail().subscribe(new Raw('next'));
  const after = onlooker(scrivener);
  scrivener.append(1);
  scrivener.append(3);
  expect(before).toEqual([1, 2, 3]);
  expect(after).toEqual([1, 2, 3]);
});

test('what throws is rethrown from a timer when nobody handles it', () => {
  config.onUnhandledError = null;
  const scrivener = new InMemoryScrivener<number>();
  scrivener.tail().subscribe(new Raw('next'));
  scrivener.append(1);
  expect(() => jest.runAllTimers()).toThrow('raw 1');
});

test.each(['complete', 'error'] as const)('a raw Subscriber whose _%s throws keeps nobody from the end', (end) => {
  const scrivener = new InMemoryScrivener<number>();
  const before = onlooker(scrivener);
  scrivener.tail().subscribe(new Raw(end));
  const after = onlooker(scrivener);
  expect(() => scrivener[end]('|')).not.toThrow();
  expect(before).toEqual(['|']);
  expect(after).toEqual(['|']);
  expect(scrivener.observed).toBe(false);
  jest.runAllTimers();
  expect(String(reported[0])).toContain(`raw ${end}`);
});

test('a teardown that throws on completion keeps nobody from the end', () => {
  const scrivener = new InMemoryScrivener<number>();
  const boom = () => {
    throw new Error('teardown');
  };
  scrivener.tail().pipe(finalize(boom)).subscribe();
  const after = onlooker(scrivener);
  expect(() => scrivener.complete()).not.toThrow();
  expect(after).toEqual(['|']);
});

test('a teardown that throws inside next keeps nobody from the entry', () => {
  const scrivener = new InMemoryScrivener<number>();
  const boom = () => {
    throw new Error('teardown');
  };
  scrivener.tail().pipe(take(1), finalize(boom)).subscribe();
  const after = onlooker(scrivener);
  expect(scrivener.append(1)).toBe(1);
  scrivener.append(2);
  expect(after).toEqual([1, 2]);
});
