/* eslint-disable rxjs-x/throw-error -- an error may be any value */
import {
  concat,
  EMPTY,
  NEVER,
  of,
  range,
  Subject,
  Subscriber,
  take,
  throwError,
  toArray,
  firstValueFrom,
  type Observer,
} from 'rxjs';
import {
  END,
  InMemoryScrivener,
  JournalClosedError,
  PositionConflictError,
  ScrivenerError,
  START,
  type Position,
  type Positioned,
} from 'rx-scrivener';

function filled(count: number): InMemoryScrivener<string> {
  const scrivener = new InMemoryScrivener<string>();
  for (let n = 1; n <= count; n++) scrivener.append(`e${n}`);
  return scrivener;
}

function record<T>(): { log: string[]; observer: Observer<Positioned<T>> } {
  const log: string[] = [];
  return {
    log,
    observer: {
      next: ({ position, entry }) => log.push(`${position}:${String(entry)}`),
      error: (error: unknown) => log.push(`error:${String(error)}`),
      complete: () => log.push('complete'),
    },
  };
}

const notPositions = [
  -1,
  1.5,
  NaN,
  Infinity,
  -Infinity,
  Number.MAX_SAFE_INTEGER + 1,
  '1',
  null,
  1n,
  {},
] as unknown as number[];

describe('positions', () => {
  test('START is 0 and END is the largest safe integer', () => {
    expect(START).toBe(0);
    expect(END).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('begin at 1 and go up by 1, however the entry is written', async () => {
    const scrivener = new InMemoryScrivener<string>();
    expect(scrivener.head).toBe(START);
    expect(scrivener.append('a')).toBe(1);
    scrivener.next('b');
    expect(scrivener.head).toBe(2);
    expect(await scrivener.write('c')).toBe(3);
    expect(scrivener.append('d')).toBe(4);
    expect(scrivener.head).toBe(4);
  });

  test('are taken in the order of the calls of write, awaited or not', async () => {
    const scrivener = new InMemoryScrivener<number>();
    const positions = await Promise.all(Array.from({ length: 50 }, (_, n) => scrivener.write(n)));
    expect(positions).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    expect(await firstValueFrom(scrivener.tail().pipe(take(50), toArray()))).toEqual(
      Array.from({ length: 50 }, (_, n) => ({ position: n + 1, entry: n })),
    );
  });

  test('undefined, null, NaN and false are entries like any other', async () => {
    const scrivener = new InMemoryScrivener<unknown>();
    for (const entry of [undefined, null, NaN, false, '']) scrivener.append(entry);
    scrivener.complete();
    const seen: unknown[] = [];
    for await (const { entry } of scrivener.tail()) seen.push(entry);
    expect(seen).toEqual([undefined, null, NaN, false, '']);
    const pushed: unknown[] = [];
    scrivener.readBackward().subscribe(({ entry }) => pushed.push(entry));
    expect(pushed).toEqual(['', false, NaN, null, undefined]);
  });

  test('the entry is kept by identity and its record has just position and entry', async () => {
    const scrivener = new InMemoryScrivener<object>();
    const entry = Object.freeze({ a: 1 });
    scrivener.append(entry);
    const found = await firstValueFrom(scrivener.tail());
    expect(found.entry).toBe(entry);
    expect(Object.keys(found).sort()).toEqual(['entry', 'position']);
  });
});

describe('tail', () => {
  test.each([0, 1, 2, 3])('after %d replays what lies after it, then continues live', (after) => {
    const scrivener = filled(3);
    const { log, observer } = record<string>();
    scrivener.tail(after).subscribe(observer);
    const held = ['1:e1', '2:e2', '3:e3'].slice(after);
    expect(log).toEqual(held);
    scrivener.append('e4');
    scrivener.append('e5');
    expect(log).toEqual([...held, '4:e4', '5:e5']);
  });

  test('with no argument and with undefined starts at START', () => {
    const scrivener = filled(1);
    const a = record<string>();
    const b = record<string>();
    scrivener.tail().subscribe(a.observer);
    scrivener.tail(undefined, {}).subscribe(b.observer);
    expect([a.log, b.log]).toEqual([['1:e1'], ['1:e1']]);
  });

  test('past the head waits for those positions', () => {
    const scrivener = filled(2);
    const { log, observer } = record<string>();
    scrivener.tail(4).subscribe(observer);
    scrivener.append('e3');
    scrivener.append('e4');
    expect(log).toEqual([]);
    scrivener.append('e5');
    expect(log).toEqual(['5:e5']);
    scrivener.complete();
    expect(log).toEqual(['5:e5', 'complete']);
  });

  test('past the head completes when the journal ends before', () => {
    const scrivener = filled(2);
    const { log, observer } = record<string>();
    scrivener.tail(40).subscribe(observer);
    scrivener.append('e3');
    scrivener.complete();
    expect(log).toEqual(['complete']);
  });

  test('from END completes at once, on a journal that is open, ended or failed', () => {
    for (const end of ['open', 'complete', 'error'] as const) {
      const scrivener = filled(2);
      if (end === 'complete') scrivener.complete();
      if (end === 'error') scrivener.error('broken');
      const { log, observer } = record<string>();
      scrivener.tail(END).subscribe(observer);
      expect(log).toEqual(['complete']);
      expect(scrivener.observed).toBe(false);
    }
  });

  test('from just before END waits', () => {
    const scrivener = filled(2);
    const { log, observer } = record<string>();
    scrivener.tail(END - 1).subscribe(observer);
    scrivener.append('e3');
    expect(log).toEqual([]);
    scrivener.complete();
    expect(log).toEqual(['complete']);
  });

  test('is cold: nothing happens before the subscription, and each subscription has its own cursor', () => {
    const scrivener = filled(1);
    const stream = scrivener.tail();
    expect(scrivener.observed).toBe(false);
    scrivener.append('e2');
    const a = record<string>();
    const b = record<string>();
    stream.subscribe(a.observer);
    scrivener.append('e3');
    stream.subscribe(b.observer);
    expect(a.log).toEqual(['1:e1', '2:e2', '3:e3']);
    expect(b.log).toEqual(['1:e1', '2:e2', '3:e3']);
  });

  test('gives nothing after unsubscribing, and leaves nothing behind', () => {
    const scrivener = filled(1);
    const { log, observer } = record<string>();
    const subscription = scrivener.tail().subscribe(observer);
    expect(scrivener.observed).toBe(true);
    subscription.unsubscribe();
    expect(scrivener.observed).toBe(false);
    scrivener.append('e2');
    scrivener.complete();
    expect(log).toEqual(['1:e1']);
  });

  test('take(n) of the replay reads no further and leaves nothing behind', () => {
    const scrivener = filled(5);
    const { log, observer } = record<string>();
    scrivener.tail().pipe(take(2)).subscribe(observer);
    expect(log).toEqual(['1:e1', '2:e2', 'complete']);
    expect(scrivener.observed).toBe(false);
  });

  test.each(['tail', 'readBackward'] as const)(
    'a %s that is left in the middle of 10,000 is not walked to their end',
    (direction) => {
      const scrivener = filled(10_000);
      const next = jest.spyOn(Subscriber.prototype, 'next');
      try {
        const stream = direction === 'tail' ? scrivener.tail() : scrivener.readBackward();
        stream.pipe(take(3)).subscribe();
        expect(next.mock.calls.length).toBeLessThan(20);
      } finally {
        next.mockRestore();
      }
    },
  );

  test.each(notPositions)('after %p is a RangeError at the call', (after) => {
    const scrivener = filled(1);
    expect(() => scrivener.tail(after)).toThrow(RangeError);
    expect(() => scrivener.tail(after)).toThrow(/after/);
  });
});

describe('how a journal ends', () => {
  test('a tail completes after the last entry, whenever it was subscribed', () => {
    const scrivener = filled(2);
    const early = record<string>();
    scrivener.tail().subscribe(early.observer);
    scrivener.complete();
    const late = record<string>();
    scrivener.tail().subscribe(late.observer);
    expect(early.log).toEqual(['1:e1', '2:e2', 'complete']);
    expect(late.log).toEqual(['1:e1', '2:e2', 'complete']);
    expect(scrivener.observed).toBe(false);
  });

  test('a tail errors after the last entry, whenever it was subscribed', () => {
    const scrivener = filled(2);
    const early = record<string>();
    scrivener.tail().subscribe(early.observer);
    scrivener.error('broken');
    const late = record<string>();
    scrivener.tail(1).subscribe(late.observer);
    expect(early.log).toEqual(['1:e1', '2:e2', 'error:broken']);
    expect(late.log).toEqual(['2:e2', 'error:broken']);
  });

  test('an error may be undefined and is an error still', () => {
    const scrivener = filled(1);
    const { log, observer } = record<string>();
    scrivener.error(undefined);
    scrivener.tail().subscribe(observer);
    expect(log).toEqual(['1:e1', 'error:undefined']);
  });

  test('only the first end counts', () => {
    const completed = filled(0);
    completed.complete();
    completed.error('late');
    const failed = filled(0);
    failed.error('first');
    failed.error('second');
    failed.complete();
    const a = record<string>();
    const b = record<string>();
    completed.tail().subscribe(a.observer);
    failed.tail().subscribe(b.observer);
    expect(a.log).toEqual(['complete']);
    expect(b.log).toEqual(['error:first']);
  });

  test('write rejects and append throws JournalClosedError, next is ignored, nothing is appended', async () => {
    const scrivener = filled(1);
    scrivener.complete();
    const rejection = await scrivener.write('x').catch((error: unknown) => error);
    expect(rejection).toBeInstanceOf(JournalClosedError);
    expect(rejection).toBeInstanceOf(ScrivenerError);
    expect(rejection).toMatchObject({ name: 'JournalClosedError', code: 'ERR_JOURNAL_CLOSED' });
    expect(() => scrivener.append('x')).toThrow(JournalClosedError);
    expect(() => scrivener.next('x')).not.toThrow();
    expect(scrivener.head).toBe(1);
  });

  test('on a journal that failed, the JournalClosedError carries the cause', async () => {
    const scrivener = filled(1);
    const reason = new Error('broken');
    scrivener.error(reason);
    await expect(scrivener.write('x')).rejects.toMatchObject({ code: 'ERR_JOURNAL_CLOSED', cause: reason });
    expect(scrivener.head).toBe(1);
  });

  test('subscribers complete in the order they subscribed, each after its last entry', () => {
    const scrivener = filled(0);
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      scrivener
        .tail()
        .subscribe({ next: ({ position }) => order.push(name + position), complete: () => order.push(name + '|') });
    }
    scrivener.append('x');
    scrivener.complete();
    expect(order).toEqual(['a1', 'b1', 'c1', 'a|', 'b|', 'c|']);
  });
});

describe('as an observer', () => {
  test('journals a whole source and its completion', () => {
    const scrivener = new InMemoryScrivener<number>();
    const { log, observer } = record<number>();
    scrivener.tail().subscribe(observer);
    range(1, 3).subscribe(scrivener);
    expect(log).toEqual(['1:1', '2:2', '3:3', 'complete']);
  });

  test('journals the error of a source', () => {
    const scrivener = new InMemoryScrivener<number>();
    const { log, observer } = record<number>();
    concat(
      of(7),
      throwError(() => 'broken'),
    ).subscribe(scrivener);
    scrivener.tail().subscribe(observer);
    expect(log).toEqual(['1:7', 'error:broken']);
  });

  test('EMPTY ends it and NEVER does not', async () => {
    const empty = new InMemoryScrivener<number>();
    EMPTY.subscribe(empty);
    await expect(empty.write(1)).rejects.toThrow(JournalClosedError);
    const never = new InMemoryScrivener<number>();
    NEVER.subscribe(never);
    await expect(never.write(1)).resolves.toBe(1);
  });

  test('takes several sources, of which the first to end ends it', () => {
    const scrivener = new InMemoryScrivener<string>();
    const a = new Subject<string>();
    const b = new Subject<string>();
    a.subscribe(scrivener);
    b.subscribe(scrivener);
    a.next('a1');
    b.next('b1');
    a.complete();
    b.next('b2');
    b.error('late');
    const { log, observer } = record<string>();
    scrivener.tail().subscribe(observer);
    expect(log).toEqual(['1:a1', '2:b1', 'complete']);
  });
});

describe('compare-and-append', () => {
  test('appends when the journal ends at the expected position', async () => {
    const scrivener = filled(2);
    expect(await scrivener.write('x', { expect: 2 })).toBe(3);
    const empty = filled(0);
    expect(await empty.write('x', { expect: START })).toBe(1);
    expect(await empty.write('x', { expect: undefined })).toBe(2);
  });

  test.each([0, 1, 3, END])('rejects when %d was expected and 2 is the last position', async (expected: Position) => {
    const scrivener = filled(2);
    const { log, observer } = record<string>();
    scrivener.tail(2).subscribe(observer);
    const error: unknown = await scrivener.write('x', { expect: expected }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(PositionConflictError);
    expect(error).toMatchObject({ expected, actual: 2, code: 'ERR_POSITION_CONFLICT', name: 'PositionConflictError' });
    expect(scrivener.head).toBe(2);
    expect(log).toEqual([]);
  });

  test('of several concurrent writers exactly one wins', async () => {
    const scrivener = filled(2);
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((entry) => scrivener.write(entry, { expect: 2 })));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(scrivener.head).toBe(3);
  });

  test.each(notPositions)('expect %p rejects with RangeError and appends nothing', async (expected) => {
    const scrivener = filled(1);
    const outcome = scrivener.write('x', { expect: expected });
    await expect(outcome).rejects.toThrow(RangeError);
    expect(scrivener.head).toBe(1);
  });
});

describe('the signal of a write', () => {
  test('aborted before rejects with its reason and appends nothing', async () => {
    const scrivener = filled(1);
    const reason = { mine: true };
    await expect(scrivener.write('x', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(scrivener.write('x', { signal: AbortSignal.abort(), expect: 1 })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(scrivener.head).toBe(1);
  });

  test('aborted afterwards changes nothing', async () => {
    const scrivener = filled(0);
    const controller = new AbortController();
    const written = scrivener.write('x', { signal: controller.signal });
    controller.abort();
    await expect(written).resolves.toBe(1);
    expect(scrivener.head).toBe(1);
  });
});

describe('the signal of a tail', () => {
  test('aborted before errors at once and reads nothing', () => {
    const scrivener = filled(2);
    const { log, observer } = record<string>();
    scrivener.tail(0, { signal: AbortSignal.abort('gone') }).subscribe(observer);
    scrivener.readBackward(END, { signal: AbortSignal.abort('gone') }).subscribe(observer);
    expect(log).toEqual(['error:gone', 'error:gone']);
    expect(scrivener.observed).toBe(false);
  });

  test('aborted while live errors the stream', () => {
    const scrivener = filled(1);
    const controller = new AbortController();
    const { log, observer } = record<string>();
    scrivener.tail(0, { signal: controller.signal }).subscribe(observer);
    controller.abort('gone');
    scrivener.append('e2');
    expect(log).toEqual(['1:e1', 'error:gone']);
    expect(scrivener.observed).toBe(false);
  });

  test('aborted inside next stops the replay there', () => {
    for (const direction of ['tail', 'readBackward'] as const) {
      const scrivener = filled(3);
      const controller = new AbortController();
      const log: string[] = [];
      const { signal } = controller;
      const stream =
        direction === 'tail' ? scrivener.tail(0, { signal }) : scrivener.readBackward(undefined, { signal });
      stream.subscribe({
        next: ({ position }) => {
          log.push(String(position));
          controller.abort('gone');
        },
        error: (error: unknown) => log.push(`error:${String(error)}`),
      });
      expect(log).toEqual([direction === 'tail' ? '1' : '3', 'error:gone']);
    }
  });

  test('aborted inside a live next takes that subscriber out and no other', () => {
    const scrivener = filled(0);
    const controller = new AbortController();
    const a = record<string>();
    const b = record<string>();
    scrivener.tail().subscribe(({ position }) => position === 1 && controller.abort('gone'));
    scrivener.tail(0, { signal: controller.signal }).subscribe(a.observer);
    scrivener.tail().subscribe(b.observer);
    scrivener.append('e1');
    scrivener.append('e2');
    expect(a.log).toEqual(['error:gone']);
    expect(b.log).toEqual(['1:e1', '2:e2']);
  });

  test('aborted after completion changes nothing', () => {
    const scrivener = filled(1);
    const controller = new AbortController();
    const { log, observer } = record<string>();
    scrivener.tail(0, { signal: controller.signal }).subscribe(observer);
    scrivener.complete();
    controller.abort('gone');
    expect(log).toEqual(['1:e1', 'complete']);
  });
});
