import { getEventListeners } from 'node:events';
import { filter, firstValueFrom, of, Subject, TimeoutError, toArray } from 'rxjs';
import { TestScheduler, type RunHelpers } from 'rxjs/testing';
import {
  discriminatedBy,
  entries,
  InMemoryScrivener,
  instanceOf,
  isType,
  JournalClosedError,
  waitFor,
  type Positioned,
} from 'rx-scrivener';

const marbles = (run: (helpers: RunHelpers) => void): void =>
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(run);

type Event = { type: 'Asked'; question: string } | { type: 'Answered'; answer: string } | { type: 'Left' };

const asked: Event = { type: 'Asked', question: '?' };
const answered: Event = { type: 'Answered', answer: '!' };
const left: Event = { type: 'Left' };

describe('entries', () => {
  test('takes the entry out, undefined included', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold<Positioned<string | undefined>>('-a-b-#', {
        a: { position: 1, entry: 'x' },
        b: { position: 2, entry: undefined },
      });
      expectObservable(source.pipe(entries())).toBe('-x-u-#', { x: 'x', u: undefined });
      expectSubscriptions(source.subscriptions).toBe('^----!');
    }));
});

describe('isType', () => {
  test('matches one type or several, nothing for none', () => {
    expect(isType('Asked')(asked)).toBe(true);
    expect([asked, answered, left].map(isType('Asked', 'Left'))).toEqual([true, false, true]);
    expect([asked, answered, left].map(isType())).toEqual([false, false, false]);
  });

  test('compares the whole name', () => {
    expect(isType<{ type: string }, string>('Asked')({ type: 'Ask' })).toBe(false);
    expect(isType<{ type: string }, string>('Ask')({ type: 'Asked' })).toBe(false);
    expect(isType<{ type: string }, string>('')({ type: '' })).toBe(true);
  });

  test('narrows in filter and waitFor with no type argument', async () => {
    const scrivener = new InMemoryScrivener<Event>();
    for (const event of [asked, answered, left]) scrivener.append(event);
    scrivener.complete();
    const answers = await firstValueFrom(scrivener.tail().pipe(entries(), filter(isType('Answered')), toArray()));
    expect(answers.map(({ answer }) => answer)).toEqual(['!']);
    const { entry } = await scrivener.waitFor(0, isType('Answered'));
    expect(entry.answer).toBe('!');
  });
});

describe('instanceOf', () => {
  class Question {
    constructor(readonly text: string) {}
  }
  class Open extends Question {}
  abstract class Base {
    readonly base = true;
  }
  class Derived extends Base {}

  test('matches instances of the class and its subclasses, nothing else', () => {
    const isQuestion = instanceOf(Question);
    expect(
      [new Question('a'), new Open('b'), { text: 'c' }, null, undefined, 'd', 4].map((x) => isQuestion(x)),
    ).toEqual([true, true, false, false, false, false, false]);
    expect(instanceOf(Base)(new Derived())).toBe(true);
  });

  test('narrows', async () => {
    const scrivener = new InMemoryScrivener<unknown>();
    scrivener.append('x');
    scrivener.append(new Open('deep'));
    expect((await scrivener.waitFor(0, instanceOf(Question))).entry.text).toBe('deep');
  });
});

describe('the operator waitFor', () => {
  const records = { a: { position: 1, entry: 1 }, b: { position: 2, entry: 2 }, c: { position: 3, entry: 3 } };

  test('emits the first match, completes and releases the source', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('-a-b-c-|', records);
      expectObservable(source.pipe(waitFor((entry) => entry > 1))).toBe('---(b|)', records);
      expectSubscriptions(source.subscriptions).toBe('^--!');
    }));

  test('never', () =>
    marbles(({ cold, expectObservable }) =>
      expectObservable(cold<Positioned<number>>('-').pipe(waitFor(() => true))).toBe('-'),
    ));

  test('a source that completes first is a JournalClosedError', () =>
    marbles(({ cold, expectObservable }) => {
      const closed = new JournalClosedError();
      expectObservable(cold('-a-|', records).pipe(waitFor(() => false))).toBe('---#', undefined, closed);
      expectObservable(cold<Positioned<number>>('|').pipe(waitFor(() => true))).toBe('#', undefined, closed);
    }));

  test('the error of the source', () =>
    marbles(({ cold, expectObservable }) =>
      expectObservable(cold('-a-#', records).pipe(waitFor(() => false))).toBe('---#'),
    ));

  test('a match that throws', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b', records);
      const match = () => {
        throw 'error';
      };
      expectObservable(source.pipe(waitFor(match))).toBe('-#');
      expectSubscriptions(source.subscriptions).toBe('^!');
    }));

  test('early unsubscribe', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-c', records);
      expectObservable(source.pipe(waitFor(() => false, { timeout: 50 })), '--!').toBe('----');
      expectSubscriptions(source.subscriptions).toBe('^-!');
    }));

  test('times out by the scheduler, in spite of entries that do not match', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-c------', records);
      const errors: unknown[] = [];
      expectObservable(source.pipe(waitFor(() => false, { timeout: 6 }))).toBe(
        '------#',
        undefined,
        expect.any(TimeoutError),
      );
      expectSubscriptions(source.subscriptions).toBe('^-----!');
      expect(errors).toEqual([]);
    }));

  test('a match at the last moment is in time', () =>
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-----c', records).pipe(waitFor(() => true, { timeout: 6 }))).toBe('-----(c|)', records);
    }));

  test('an abort errors with the reason, and nothing is left on the signal', () => {
    const controller = new AbortController();
    const source = new Subject<Positioned<number>>();
    const errors: unknown[] = [];
    source
      .pipe(waitFor(() => true, { signal: controller.signal }))
      .subscribe({ error: (error: unknown) => errors.push(error) });
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort('gone');
    expect(errors).toEqual(['gone']);
    expect(source.observed).toBe(false);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  test('reads no further than the match on a synchronous source', () => {
    const asked: number[] = [];
    of(records.a, records.b, records.c)
      .pipe(waitFor((entry) => asked.push(entry) > 1))
      .subscribe();
    expect(asked).toEqual([1, 2]);
  });

  test.each([-1, NaN, 2 ** 31])('timeout %p is a RangeError', (timeout) => {
    expect(() => waitFor(() => true, { timeout })).toThrow(RangeError);
  });
});

describe('discriminatedBy', () => {
  type Kinds = { kind: 'said'; text: string } | { kind: 'left' };

  test('is isType for another member', async () => {
    const isKind = discriminatedBy('kind');
    const all: Kinds[] = [{ kind: 'left' }, { kind: 'said', text: 'hello' }];
    expect(all.filter(isKind('said')).map(({ text }) => text)).toEqual(['hello']);
    expect(all.filter(isKind('said', 'left'))).toEqual(all);
    const scrivener = new InMemoryScrivener<Kinds>();
    for (const entry of all) scrivener.append(entry);
    expect((await scrivener.waitFor(0, isKind('said'))).entry.text).toBe('hello');
  });
});
