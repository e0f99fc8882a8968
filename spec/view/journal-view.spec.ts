import { Observable, VirtualTimeScheduler } from 'rxjs';
import {
  InMemoryScrivener,
  JournalStream,
  PositionTrimmedError,
  type Position,
  type Scrivener,
  type TailOptions,
} from 'rx-scrivener';
import { JournalView } from 'rx-scrivener/view';

/** A journal of 1, 2, 3, …, as far as `count`. */
function journalOf(count: number, options?: { retain: number }): InMemoryScrivener<number> {
  const scrivener = new InMemoryScrivener<number>(options);
  for (let n = 1; n <= count; n++) scrivener.append(n);
  return scrivener;
}

/** The entries that a view has in a range; `undefined` for those it has not. */
function range({ at }: Pick<JournalView<number>, 'at'>, from: Position, to: Position): (number | undefined)[] {
  return Array.from({ length: to - from + 1 }, (_, index) => at(from + index)?.entry);
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** The journal, but for what is read otherwise. */
function reading(scrivener: InMemoryScrivener<number>, reads: Partial<Scrivener<number>>): Scrivener<number> {
  return {
    write: (entry) => scrivener.write(entry),
    waitFor: () => Promise.reject(new Error('A view does not wait')),
    tail: (after?: Position | 'oldest', options?: TailOptions) => scrivener.tail(after, options),
    readBackward: (before?: Position) => scrivener.readBackward(before),
    ...reads,
  };
}

function failing(error: unknown): JournalStream<number> {
  return new JournalStream<number>(
    (subscriber) => subscriber.error(error),
    () => {
      throw new Error('A view subscribes');
    },
  );
}

interface Read {
  readonly before: Position;
  isOpen: boolean;
  answer(): void;
}

/** A journal whose pages come when they are told to. */
function late(scrivener: InMemoryScrivener<number>): { reads: Read[]; scrivener: Scrivener<number> } {
  const reads: Read[] = [];
  const readBackward = (before?: Position) => {
    if (before === undefined) return scrivener.readBackward();
    return new JournalStream<number>(
      (subscriber) => {
        const answer = () => scrivener.readBackward(before).subscribe(subscriber);
        const read = { before, isOpen: true, answer };
        reads.push(read);
        return () => (read.isOpen = false);
      },
      () => {
        throw new Error('A view subscribes');
      },
    );
  };
  return { reads, scrivener: reading(scrivener, { readBackward }) };
}

let frames: VirtualTimeScheduler;
beforeEach(() => (frames = new VirtualTimeScheduler()));
const viewOf = (scrivener: Scrivener<number>, keep?: number) => new JournalView(scrivener, { keep, scheduler: frames });

describe('following', () => {
  test('begins with the newest entries, at once where they are in memory', () => {
    const view = viewOf(journalOf(250));
    expect(view.getSnapshot()).toMatchObject({ head: 0, first: 1, caughtUp: false, error: undefined });
    const leave = view.subscribe(() => undefined);
    expect(view.getSnapshot()).toMatchObject({ head: 250, first: 1, caughtUp: true, error: undefined });
    expect(range(view, 151, 250)).toEqual(numbers(151, 250));
    expect(view.at(150)).toBeUndefined();
    expect(view.at(251)).toBeUndefined();
    expect(view.at(0)).toBeUndefined();
    const snapshot = view.getSnapshot();
    frames.flush();
    expect(view.getSnapshot()).toBe(snapshot);
    leave();
  });

  test('as an Observable: at once, then once a frame; reads while it is subscribed to', () => {
    const scrivener = journalOf(2);
    const view = viewOf(scrivener);
    const heads: number[] = [];
    const subscription = view.snapshot$.subscribe(({ head }) => heads.push(head));
    expect(heads).toEqual([2]);
    frames.flush();
    for (const n of [3, 4, 5]) scrivener.append(n);
    frames.flush();
    expect(heads.at(-1)).toBe(5);
    expect(heads).not.toContain(4);
    expect(scrivener.observed).toBe(true);
    subscription.unsubscribe();
    expect(scrivener.observed).toBe(false);
  });

  test('is not caught up again until it is', () => {
    const scrivener = journalOf(3);
    const view = viewOf(
      reading(scrivener, {
        tail: (after?: Position | 'oldest', options?: TailOptions) => scrivener.tail(after, isOpen ? options : {}),
      }),
    );
    let isOpen = true;
    view.subscribe(() => undefined)();
    expect(view.getSnapshot().caughtUp).toBe(true);
    isOpen = false;
    const leave = view.subscribe(() => undefined);
    frames.flush();
    expect(view.getSnapshot()).toMatchObject({ head: 3, caughtUp: false });
    leave();
  });

  test('of an empty journal, and its first entry', () => {
    const scrivener = journalOf(0);
    const view = viewOf(scrivener);
    const leave = view.subscribe(() => undefined);
    expect(view.getSnapshot()).toMatchObject({ head: 0, caughtUp: true });
    scrivener.append(7);
    frames.flush();
    expect(view.getSnapshot().head).toBe(1);
    expect(view.at(1)).toEqual({ position: 1, entry: 7 });
    leave();
  });

  test('tells once a frame, however many entries come; the snapshot is the same in between', () => {
    const scrivener = journalOf(3);
    const view = viewOf(scrivener);
    let told = 0;
    const leave = view.subscribe(() => told++);
    frames.flush();
    told = 0;
    for (let n = 4; n <= 5_003; n++) scrivener.append(n);
    const before = view.getSnapshot();
    expect([told, before.head]).toEqual([0, 3]);
    frames.flush();
    expect([told, view.getSnapshot().head]).toEqual([1, 5_003]);
    expect(view.getSnapshot()).not.toBe(before);
    expect(view.getSnapshot()).toBe(view.getSnapshot());
    frames.flush();
    expect(told).toBe(1);
    leave();
  });

  test('continues where a hidden tab has no frames', () => {
    jest.useFakeTimers();
    const scrivener = journalOf(0);
    const view = viewOf(scrivener);
    const heads: number[] = [];
    const leave = view.subscribe(() => heads.push(view.getSnapshot().head));
    scrivener.append(1);
    jest.advanceTimersByTime(1_000);
    expect(heads).toEqual([1]);
    leave();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  test('reads while anyone is subscribed, and then stops; comes back without gap or duplicate', () => {
    const scrivener = journalOf(10);
    const view = viewOf(scrivener);
    expect(scrivener.observed).toBe(false);
    const [first, second] = [view.subscribe(() => undefined), view.subscribe(() => undefined)];
    first();
    first();
    expect(scrivener.observed).toBe(true);
    scrivener.append(11);
    second();
    expect(scrivener.observed).toBe(false);
    for (let n = 12; n <= 400; n++) scrivener.append(n);
    expect(view.at(12)).toBeUndefined();
    const third = view.subscribe(() => undefined);
    expect(view.getSnapshot()).toMatchObject({ head: 400, caughtUp: true });
    view.show(1, 400);
    expect(range(view, 1, 400)).toEqual(numbers(1, 400));
    third();
    expect(scrivener.observed).toBe(false);
  });

  test('a listener that leaves while it is called', () => {
    const scrivener = journalOf(0);
    const view = viewOf(scrivener);
    const told: string[] = [];
    const leave = view.subscribe(() => {
      told.push('first');
      leave();
    });
    const other = view.subscribe(() => told.push('second'));
    scrivener.append(1);
    frames.flush();
    scrivener.append(2);
    frames.flush();
    expect(told).toEqual(['first', 'second', 'second']);
    other();
    expect(scrivener.observed).toBe(false);
  });

  test('the end of the journal is no error', () => {
    const scrivener = journalOf(2);
    const view = viewOf(scrivener);
    const leave = view.subscribe(() => undefined);
    scrivener.complete();
    frames.flush();
    expect(view.getSnapshot()).toMatchObject({ head: 2, caughtUp: true, error: undefined });
    leave();
  });
});

describe('showing', () => {
  test('reads what is not there, the newest page first, and one at a time', () => {
    const { reads, scrivener } = late(journalOf(1_000));
    const view = viewOf(scrivener);
    const leave = view.subscribe(() => undefined);
    view.show(150, 420);
    expect(reads.map(({ before }) => before)).toEqual([421]);
    reads[0]!.answer();
    expect(range(view, 401, 420)).toEqual(numbers(401, 420));
    expect(view.at(400)).toBeUndefined();
    reads[1]!.answer();
    reads[2]!.answer();
    reads[3]!.answer();
    expect(reads.map(({ before }) => before)).toEqual([421, 401, 301, 201]);
    expect(range(view, 101, 420)).toEqual(numbers(101, 420));
    expect(view.at(100)).toBeUndefined();
    leave();
  });

  test('what was read and is no longer shown may be dropped, and counts as there', () => {
    const { reads, scrivener } = late(journalOf(1_000));
    const view = viewOf(scrivener, 50);
    const leave = view.subscribe(() => undefined);
    view.show(131, 150);
    view.show(101, 120);
    reads[0]!.answer();
    frames.flush();
    expect(view.getSnapshot().first).toBe(1);
    expect(range(view, 101, 120)).toEqual(numbers(101, 120));
    view.show(131, 150);
    reads[1]!.answer();
    expect(range(view, 131, 150)).toEqual(numbers(131, 150));
    leave();
  });

  test('what is not shown any more is not read any more; what still is, is not asked for twice', () => {
    const { reads, scrivener } = late(journalOf(1_000));
    const view = viewOf(scrivener);
    const leave = view.subscribe(() => undefined);
    view.show(310, 330);
    view.show(305, 325);
    expect(reads.map(({ isOpen }) => isOpen)).toEqual([true]);
    view.show(10, 30);
    expect(reads.map(({ before, isOpen }) => [before, isOpen])).toEqual([
      [331, false],
      [31, true],
    ]);
    view.show(950, 960);
    expect(reads.map(({ isOpen }) => isOpen)).toEqual([false, false]);
    view.show(10, 30);
    leave();
    expect(reads.map(({ isOpen }) => isOpen)).toEqual([false, false, false]);
    const again = view.subscribe(() => undefined);
    expect(reads.map(({ isOpen }) => isOpen)).toEqual([false, false, false, true]);
    again();
  });

  test('before the journal is open, and past its end', () => {
    const scrivener = journalOf(500);
    const view = viewOf(scrivener);
    view.show(1, 9_999);
    expect(view.at(1)).toBeUndefined();
    const leave = view.subscribe(() => undefined);
    expect(range(view, 1, 500)).toEqual(numbers(1, 500));
    view.show(1, 0);
    leave();
    expect(() => view.show(-1, 3)).toThrow(RangeError);
    expect(() => view.show(1, 0.5)).toThrow(RangeError);
  });

  test('keeps so many, among them the newest and those that are shown', () => {
    const scrivener = journalOf(2_000);
    const view = viewOf(scrivener, 500);
    const leave = view.subscribe(() => undefined);
    const kept = () => range(view, 1, scrivener.head).filter((entry) => entry !== undefined).length;
    view.show(250, 280);
    for (let n = 2_001; n <= 12_345; n++) scrivener.append(n);
    expect(kept()).toBeLessThanOrEqual(500);
    expect(range(view, 250, 280)).toEqual(numbers(250, 280));
    expect(range(view, 12_301, 12_345)).toEqual(numbers(12_301, 12_345));
    for (let from = 9_001; from > 0; from -= 100) {
      view.show(from + 50, from + 99);
      expect(range(view, from + 50, from + 99)).toEqual(numbers(from + 50, from + 99));
    }
    expect(kept()).toBeLessThanOrEqual(500);
    expect(view.at(12_345)?.entry).toBe(12_345);
    view.show(1, 12_345);
    expect(kept()).toBeLessThanOrEqual(500);
    expect(range(view, 12_046, 12_345)).toEqual(numbers(12_046, 12_345));
    leave();
  });

  test.each([
    [1_000, 1_000],
    [250, 250],
    [250, 950],
    [1, 3],
    [99, 12_345],
  ])('can show as many as it keeps: %i of %i', (keep, count) => {
    const scrivener = journalOf(count);
    const view = viewOf(scrivener, keep);
    const leave = view.subscribe(() => undefined);
    const kept = () => range(view, 1, scrivener.head).filter((entry) => entry !== undefined).length;
    view.show(1, count);
    expect(range(view, count - keep + 1, count)).toEqual(numbers(count - keep + 1, count));
    expect(kept()).toBe(keep);
    for (let n = count + 1; n <= count + 150; n++) scrivener.append(n);
    expect(range(view, count - keep + 1, count)).toEqual(numbers(count - keep + 1, count));
    expect(kept()).toBe(keep);
    view.show(1, scrivener.head);
    expect(range(view, scrivener.head - keep + 1, scrivener.head)).toEqual(
      numbers(scrivener.head - keep + 1, scrivener.head),
    );
    expect(kept()).toBe(keep);
    leave();
  });

  test('shows a hundred thousand entries that are in memory, without a call for each page upon the one before', () => {
    const view = viewOf(journalOf(100_000), 100_000);
    const leave = view.subscribe(() => undefined);
    view.show(1, 100_000);
    expect(range(view, 1, 100_000)).toEqual(numbers(1, 100_000));
    leave();
  });

  test('asks once for what a journal has not got', () => {
    const scrivener = journalOf(300);
    let reads = 0;
    const readBackward = (before?: Position) => {
      reads++;
      // Another page than the one that was asked for.
      return scrivener.readBackward(before === 201 ? 101 : before);
    };
    const view = viewOf(reading(scrivener, { readBackward }));
    const leave = view.subscribe(() => undefined);
    view.show(1, 300);
    expect(view.getSnapshot()).toMatchObject({ head: 300 });
    frames.flush();
    expect(reads).toBe(2);
    leave();
  });

  test('those shown last are kept longest', () => {
    const view = viewOf(journalOf(2_000), 500);
    const leave = view.subscribe(() => undefined);
    for (const from of [1, 101, 201, 1, 301, 401]) view.show(from, from + 50);
    expect([1, 101, 201, 301, 401].map((position) => view.at(position)?.entry)).toEqual([1, undefined, 201, 301, 401]);
    leave();
  });

  test('of a journal that keeps nothing, and of one that ends early', () => {
    const scrivener = journalOf(7);
    const nothing = viewOf(reading(scrivener, { readBackward: () => failing(new PositionTrimmedError(7, 8)) }));
    const leave = nothing.subscribe(() => undefined);
    expect(nothing.getSnapshot()).toMatchObject({ head: 7, first: 8, caughtUp: true, error: undefined });
    expect(nothing.at(7)).toBeUndefined();
    leave();

    const long = journalOf(500);
    const readBackward = (before?: Position) => (before === undefined ? long.readBackward() : long.readBackward(1));
    const short = viewOf(reading(long, { readBackward }));
    short.show(1, 500);
    const leaveShort = short.subscribe(() => undefined);
    expect(short.getSnapshot()).toMatchObject({ head: 500, first: 401, error: undefined });
    leaveShort();
  });

  test('what was dropped is reported, not thrown', () => {
    const scrivener = journalOf(1_000, { retain: 150 });
    const view = viewOf(scrivener);
    const leave = view.subscribe(() => undefined);
    expect(view.getSnapshot()).toMatchObject({ head: 1_000, first: 1 });
    view.show(700, 900);
    frames.flush();
    expect(view.getSnapshot()).toMatchObject({ head: 1_000, first: 851, error: undefined });
    expect(view.at(851)?.entry).toBe(851);
    expect(view.at(850)).toBeUndefined();
    scrivener.append(1_001);
    expect(view.at(1_001)?.entry).toBe(1_001);
    leave();
  });

  test('the opening page may itself be cut by what was dropped', () => {
    const view = viewOf(journalOf(1_000, { retain: 5 }));
    const leave = view.subscribe(() => undefined);
    expect(view.getSnapshot()).toMatchObject({ head: 1_000, first: 996, caughtUp: true });
    leave();
  });
});

describe('failing', () => {
  const broken = new Error('broken');

  test('a journal that errors: what came before stays, and the error is shown', () => {
    const scrivener = journalOf(3);
    const view = viewOf(scrivener);
    const leave = view.subscribe(() => undefined);
    scrivener.append(4);
    scrivener.error(broken);
    frames.flush();
    expect(view.getSnapshot()).toMatchObject({ head: 4, error: broken });
    expect(range(view, 1, 4)).toEqual([1, 2, 3, 4]);
    leave();
  });

  test('a page that cannot be read ends the view; a new subscriber starts it again', () => {
    const scrivener = journalOf(1_000);
    let fails = true;
    const readBackward = (before?: Position) =>
      fails && before !== undefined ? failing(broken) : scrivener.readBackward(before);
    const view = viewOf(reading(scrivener, { readBackward }));
    const leave = view.subscribe(() => undefined);
    view.show(1, 10);
    frames.flush();
    expect(view.getSnapshot()).toMatchObject({ head: 1_000, error: broken });
    expect(scrivener.observed).toBe(false);
    leave();
    fails = false;
    const again = view.subscribe(() => undefined);
    expect(view.getSnapshot()).toMatchObject({ head: 1_000, error: undefined, caughtUp: true });
    expect(range(view, 1, 10)).toEqual(numbers(1, 10));
    again();
  });

  test('one that falls behind what the journal keeps continues with the newest', async () => {
    const scrivener = journalOf(10, { retain: 5 });
    let behind = true;
    const tail = (after?: Position, options?: TailOptions) => {
      if (behind) for (let n = 11; n <= 30; n++) scrivener.append(n);
      behind = false;
      return scrivener.tail(after, options);
    };
    const view = viewOf(reading(scrivener, { tail }));
    const opened = new Observable<void>((subscriber) => view.subscribe(() => subscriber.next()));
    const heads: number[] = [];
    const subscription = opened.subscribe(() => heads.push(view.getSnapshot().head));
    await new Promise((resolve) => setTimeout(resolve, 0));
    frames.flush();
    expect(view.getSnapshot()).toMatchObject({ head: 30, caughtUp: true, error: undefined });
    expect(range(view, 26, 30)).toEqual(numbers(26, 30));
    subscription.unsubscribe();
    expect(scrivener.observed).toBe(false);
  });

  test('wrong options', () => {
    expect(() => viewOf(journalOf(0), 0)).toThrow(RangeError);
  });
});
