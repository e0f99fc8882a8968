import { firstValueFrom, map, mergeMap, Observable, Subject, toArray, type Observer } from 'rxjs';
import {
  END,
  InMemoryScrivener,
  JournalStream,
  START,
  waitFor,
  type Position,
  type Positioned,
  type ReadOptions,
  type WaitOptions,
  type WriteOptions,
} from 'rx-scrivener';
import type { ConformanceCreateOptions, ConformanceEntry } from 'rx-scrivener/testing';

type Entry = ConformanceEntry;
type EntryRecord = Positioned<Entry>;
type Match = (entry: Entry) => boolean;

const noop = () => {};

/** The journal of these, with what a subclass gets wrong. */
abstract class Journal extends InMemoryScrivener<Entry> {
  /** The right tail, whatever a subclass makes of `tail`. */
  protected right(after: Position = START, options?: ReadOptions): JournalStream<Entry> {
    return super.tail(after, options);
  }

  protected stream(
    after: Position,
    change: (right: JournalStream<Entry>) => Observable<EntryRecord>,
    options?: ReadOptions,
  ): JournalStream<Entry> {
    const right = this.right(after, options);
    return new JournalStream(
      (subscriber) => change(right).subscribe(subscriber),
      () => right[Symbol.asyncIterator](),
    );
  }
}

class Reordering extends Journal {
  /** What comes in one turn goes out newest first. */
  override tail(after: Position = START, options?: ReadOptions) {
    return this.stream(
      after,
      (right) =>
        new Observable((subscriber) => {
          let burst: EntryRecord[] = [];
          return right.subscribe({
            next: (record) => {
              if (record.position <= after + 1) return subscriber.next(record);
              if (burst.push(record) > 1) return;
              queueMicrotask(() => {
                const records = burst.reverse();
                burst = [];
                for (const late of records) subscriber.next(late);
              });
            },
            error: (error: unknown) => subscriber.error(error),
            complete: () => queueMicrotask(() => subscriber.complete()),
          });
        }),
      options,
    );
  }
}

class ReorderingWrites extends Journal {
  override async write(entry: Entry, options?: WriteOptions) {
    await new Promise((resolve) => setTimeout(resolve, entry.type === 'Added' ? (entry.n % 3) * 2 : 0));
    return super.write(entry, options);
  }
}

class LosingWaitForWakeups extends Journal {
  /** Looks at what is there, and only later begins to listen. */
  override async waitFor(after: Position, match: Match, options: WaitOptions = {}): Promise<never> {
    if (after === END) throw new RangeError('END');
    const there = await firstValueFrom(super.readBackward().pipe(toArray()));
    const found = there.reverse().find(({ position, entry }) => position > after && match(entry));
    if (found) return found as never;
    await Promise.resolve();
    return firstValueFrom(this.right(Math.max(after, this.head)).pipe(waitFor(match, options))) as never;
  }
}

class LosingIterationWakeups extends Journal {
  override tail(after: Position = START, options?: ReadOptions) {
    const right = this.right(after, options);
    const heads = () => this.head;
    const from = (position: Position) => this.right(position, options)[Symbol.asyncIterator]();
    return new JournalStream<Entry>(
      (subscriber) => right.subscribe(subscriber),
      () => {
        let last = after;
        const step = async () => {
          if (last >= heads()) {
            await Promise.resolve();
            last = heads(); // what came in between is lost
          }
          const result = await from(last).next();
          if (!result.done) last = result.value.position;
          return result;
        };
        return { next: step, return: async () => ({ done: true, value: undefined }) };
      },
    );
  }
}

class DuplicatingAtTheSeam extends Journal {
  /** Listens first, so as to lose nothing, and forgets what it has replayed meanwhile. */
  override tail(after: Position = START, options?: ReadOptions) {
    return this.stream(
      after,
      () =>
        new Observable((subscriber) => {
          const live: EntryRecord[] = [];
          let replayed = false;
          const subscription = this.right(Math.max(after, this.head), options).subscribe({
            next: (record) => (replayed ? subscriber.next(record) : live.push(record)),
            error: (error: unknown) => subscriber.error(error),
            complete: () => subscriber.complete(),
          });
          queueMicrotask(() => {
            for (const record of history(this, after)) subscriber.next(record);
            for (const record of live) subscriber.next(record);
            replayed = true;
          });
          return subscription;
        }),
      options,
    );
  }
}

class LosingAtTheSeam extends Journal {
  override tail(after: Position = START, options?: ReadOptions) {
    return this.stream(
      after,
      () =>
        new Observable((subscriber) => {
          for (const record of history(this, after)) subscriber.next(record);
          queueMicrotask(() => subscriber.add(this.right(Math.max(after, this.head), options).subscribe(subscriber)));
        }),
      options,
    );
  }
}

class DeliveringDepthFirst extends Journal {
  readonly #live = new Subject<EntryRecord>();

  override async write(entry: Entry, options?: WriteOptions) {
    const position = super.write(entry, options);
    const { head } = this;
    this.#live.next({ position: head, entry });
    return position;
  }

  override tail(after: Position = START, options?: ReadOptions) {
    if (after === END || options) return this.right(after, options);
    return this.stream(
      after,
      () =>
        new Observable((subscriber) => {
          for (const record of history(this, after)) subscriber.next(record);
          return this.#live.subscribe((record) => record.position > after && subscriber.next(record));
        }),
    );
  }
}

class SharingOneSubscription extends Journal {
  readonly #shared = new Map<Position, JournalStream<Entry>>();

  override tail(after: Position = START, options?: ReadOptions) {
    const right = this.right(after, options);
    if (options || after === END) return right;
    let subject: Subject<EntryRecord> | undefined;
    const stream =
      this.#shared.get(after) ??
      this.stream(after, () => {
        if (subject) return subject;
        const shared = (subject = new Subject<EntryRecord>());
        return new Observable((subscriber) => {
          subscriber.add(shared.subscribe(subscriber));
          subscriber.add(right.subscribe(shared));
        });
      });
    this.#shared.set(after, stream);
    return stream;
  }
}

class LeakingOnUnsubscribe extends Journal {
  override tail(after: Position = START, options?: ReadOptions) {
    return this.stream(
      after,
      (right) => new Observable((subscriber) => void right.subscribe((record) => subscriber.next(record))),
      options,
    );
  }
}

class LeakingAfterWaitFor extends Journal {
  override waitFor(after: Position, match: Match, options?: WaitOptions): Promise<never> {
    if (Number.isSafeInteger(after) && after >= 0) this.right(after).subscribe({ error: noop });
    return super.waitFor(after, match, options) as Promise<never>;
  }
}

class MatchingAfterwards extends Journal {
  override waitFor(after: Position, match: Match, options?: WaitOptions): Promise<never> {
    const right = super.waitFor(after, match, options) as Promise<never>;
    right.then(({ position }: EntryRecord) => this.right(position).subscribe(({ entry }) => match(entry)), noop);
    return right;
  }
}

class LeakingOnBreak extends Journal {
  override tail(after: Position = START, options?: ReadOptions) {
    const right = this.right(after, options);
    return new JournalStream<Entry>(
      (subscriber) => right.subscribe(subscriber),
      () => {
        const iterator = right[Symbol.asyncIterator]();
        let done = false;
        return {
          next: async () => (done ? { done, value: undefined } : iterator.next()),
          return: async () => ({ done: (done = true), value: undefined }),
        };
      },
    );
  }
}

class IteratingByGenerator extends Journal {
  /** The return of an async generator waits for the next before it. */
  override tail(after: Position = START, options?: ReadOptions) {
    const right = this.right(after, options);
    async function* iterate() {
      yield* { [Symbol.asyncIterator]: () => right[Symbol.asyncIterator]() };
    }
    return new JournalStream<Entry>((subscriber) => right.subscribe(subscriber), iterate);
  }
}

class IteratingOverABoundedQueue extends Journal {
  override tail(after: Position = START, options?: ReadOptions) {
    const right = this.right(after, options);
    return new JournalStream<Entry>(
      (subscriber) => right.subscribe(subscriber),
      () => {
        const queue: EntryRecord[] = [];
        let wake = noop;
        const subscription = right.subscribe((record) => {
          queue.push(record);
          if (queue.length > 16) queue.shift();
          wake();
        });
        return {
          next: async () => {
            while (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
            return { done: false, value: queue.shift()! };
          },
          return: async () => {
            subscription.unsubscribe();
            return { done: true, value: undefined };
          },
        };
      },
    );
  }
}

class IgnoringAborts extends Journal {
  override write(entry: Entry, { expect }: WriteOptions = {}) {
    return super.write(entry, expect === undefined ? {} : { expect });
  }

  override tail(after?: Position) {
    return super.tail(after);
  }
}

class ListeningForever extends Journal {
  override tail(after?: Position, options?: ReadOptions) {
    options?.signal?.addEventListener('abort', noop);
    return super.tail(after, options);
  }
}

class AppendingThenRejecting extends Journal {
  override async write(entry: Entry, options?: WriteOptions) {
    const position = await super.write(entry, options?.expect === undefined ? {} : { expect: options.expect });
    options?.signal?.throwIfAborted();
    return position;
  }
}

class IgnoringExpect extends Journal {
  override write(entry: Entry) {
    return super.write(entry);
  }
}

class CheckingThenAppending extends Journal {
  override async write(entry: Entry, options: WriteOptions = {}) {
    if (options.expect === this.head) {
      await Promise.resolve();
      return super.write(entry);
    }
    return super.write(entry, options);
  }
}

class LeavingGaps extends Journal {
  override tail(after: Position = START, options?: ReadOptions) {
    return this.stream(
      after,
      (right) => right.pipe(map(({ position, entry }) => ({ position: position * 2 - 1, entry }))),
      options,
    );
  }
}

class TakingAnyPosition extends Journal {
  override tail(after: Position = START, options?: ReadOptions) {
    return super.tail(after < START ? START : after, options);
  }
}

class ThrowingRatherThanRejecting extends Journal {
  override waitFor(after: Position, match: Match, options?: WaitOptions): Promise<never> {
    if (!(after >= START)) throw new RangeError('Expected `after` to be a position');
    return super.waitFor(after, match, options) as Promise<never>;
  }
}

class ReadingBackwardAsOfTheCall extends Journal {
  override readBackward(before: Position = END, options?: ReadOptions) {
    return super.readBackward(Math.min(before, this.head + 1), options);
  }
}

class ReadingBackwardForward extends Journal {
  override readBackward(before: Position = END, options?: ReadOptions) {
    const right = super.readBackward(before, options);
    const turned = right.pipe(
      toArray(),
      mergeMap((records) => records.reverse()),
    );
    return new JournalStream<Entry>(
      (subscriber) => turned.subscribe(subscriber),
      () => right[Symbol.asyncIterator](),
    );
  }
}

class NeverTimingOut extends Journal {
  override waitFor(after: Position, match: Match, { signal }: WaitOptions = {}): Promise<never> {
    return super.waitFor(after, match, signal ? { signal } : {}) as Promise<never>;
  }
}

class ForgettingCompletion extends Journal {
  override complete() {}
}

class SkippingWhatWasTrimmed extends Journal {
  override tail(after: Position = START, options?: ReadOptions) {
    return super.tail(Math.max(after, Math.min(after + 2, this.head)), options);
  }
}

class CopyingEntries extends Journal {
  override write(entry: Entry, options?: WriteOptions) {
    return super.write(assigned(entry) as Entry, options);
  }
}

class FailingWithItsSubscribers extends Journal {
  /** A subscriber that throws ends the journal for all. */
  override tail(after: Position = START, options?: ReadOptions) {
    const stream = super.tail(after, options);
    const subscribe = (observer?: Partial<Observer<EntryRecord>>) => super.tail(after, options).subscribe(observer);
    const guarded = (next: (record: EntryRecord) => void) => (record: EntryRecord) => {
      try {
        next(record);
      } catch (error) {
        this.error(error);
      }
    };
    return Object.assign(stream, {
      subscribe: (observer: Partial<Observer<EntryRecord>> | ((record: EntryRecord) => void)) =>
        subscribe(typeof observer === 'function' ? { next: guarded(observer) } : observer),
    });
  }
}

function history(journal: InMemoryScrivener<Entry>, after: Position): EntryRecord[] {
  const records: EntryRecord[] = [];
  journal.readBackward().subscribe({ next: (record) => records.push(record), error: noop });
  return records.reverse().filter(({ position }) => position > after);
}

function assigned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(assigned);
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) copy[key] = assigned((value as typeof copy)[key]);
  return copy;
}

type BrokenJournal = new (options: ConformanceCreateOptions) => InMemoryScrivener<Entry>;

/** What a scrivener may get wrong, and a case that has to find it. */
export const BROKEN: Readonly<Record<string, readonly [BrokenJournal, foundBy: string]>> = {
  'reorders what is live': [Reordering, 'inside next: several writes keep every subscriber in order, live'],
  'reorders concurrent writes': [
    ReorderingWrites,
    'write: gives concurrent writes distinct positions, in the order of the calls',
  ],
  'loses a wake-up of waitFor': [LosingWaitForWakeups, 'waitFor: loses no wake-up: called around each write'],
  'loses a wake-up of an iteration': [
    LosingIterationWakeups,
    'iteration: loses no wake-up: next is called around each write',
  ],
  'duplicates at the seam of replay and live': [
    DuplicatingAtTheSeam,
    'tail: has no gap, duplicate or disorder between replay and live, while others write',
  ],
  'loses at the seam of replay and live': [
    LosingAtTheSeam,
    'tail: has no gap, duplicate or disorder between replay and live, while others write',
  ],
  'delivers depth first': [DeliveringDepthFirst, 'inside next: a write keeps every subscriber in order, live'],
  'shares one subscription': [SharingOneSubscription, 'tail: is cold: every subscription is its own reader'],
  'leaks a subscription that was unsubscribed': [LeakingOnUnsubscribe, 'release: unsubscribing releases a live tail'],
  'leaks a subscription after waitFor': [
    LeakingAfterWaitFor,
    'release: waitFor leaves nothing behind when it resolves',
  ],
  'goes on matching after waitFor': [
    MatchingAfterwards,
    'waitFor: calls `match` no more once it has settled, in any way',
  ],
  'leaks an iteration that was left': [LeakingOnBreak, 'release: return releases an iteration whose next waits'],
  'iterates by an async generator': [IteratingByGenerator, 'iteration: return immediately ends every next that waits'],
  'iterates over a bounded queue': [
    IteratingOverABoundedQueue,
    'iteration: delivers everything to a reader that returns after a burst',
  ],
  'ignores an abort of a write': [
    IgnoringAborts,
    'write: with a signal aborted before rejects with its reason and appends nothing',
  ],
  'ignores an abort of a tail': [
    IgnoringAborts,
    'signal: aborted while live, a tail errors with its reason, and no other does',
  ],
  'listens on a signal forever': [
    ListeningForever,
    'signal: is not listened to after unsubscribing, live or in the replay',
  ],
  'appends, and then rejects': [
    AppendingThenRejecting,
    'write: with a signal aborted before rejects with its reason and appends nothing',
  ],
  'ignores expect': [
    IgnoringExpect,
    'write with expect: rejects with PositionConflictError and appends nothing when the journal is elsewhere',
  ],
  'checks what is expected, and appends later': [
    CheckingThenAppending,
    'write with expect: lets exactly one of two concurrent writes win',
  ],
  'leaves gaps between positions': [LeavingGaps, 'tail: replays everything from START, which is the default'],
  'takes a negative position': [
    TakingAnyPosition,
    'arguments: tail throws a RangeError for an `after` that is not a position',
  ],
  'throws where it should reject': [
    ThrowingRatherThanRejecting,
    'arguments: waitFor rejects with a RangeError for an `after` that is not a position',
  ],
  'reads backward as of the call': [
    ReadingBackwardAsOfTheCall,
    'readBackward: shows the journal as it is at the moment of subscription',
  ],
  'reads backward forward': [ReadingBackwardForward, 'readBackward: emits everything, newest first, and completes'],
  'never times out': [NeverTimingOut, 'waitFor: rejects with a TimeoutError if nothing comes in time'],
  'forgets to complete': [
    ForgettingCompletion,
    'end: completion completes tails after the last entry, even those that wait for more',
  ],
  'skips what was trimmed': [
    SkippingWhatWasTrimmed,
    'retain: tail errors with PositionTrimmedError when its next position was dropped',
  ],
  'copies entries by assignment': [CopyingEntries, 'entries: tail emits what was written before'],
  'fails with its subscribers': [
    FailingWithItsSubscribers,
    'inside next: a subscriber that throws harms neither the writer nor the others, and RxJS reports it',
  ],
};
