/* eslint-disable @typescript-eslint/no-meaningless-void-operator -- what must not compile is written on purpose */
/** Type tests: `tsc` is the runner, nothing here is called. */
import {
  InMemoryScrivener,
  instanceOf,
  isType,
  lastEntries,
  type JournalStream,
  type Position,
  type Positioned,
  type ReadOptions,
  type Scrivener,
  type TailOptions,
  type WaitOptions,
  type WriteOptions,
} from 'rx-scrivener';
import type { Equal, Expect } from './equal';

interface Asked {
  type: 'Asked';
  question: string;
}
interface Answered {
  type: 'Answered';
  answer: string;
}
type Event = Asked | Answered;

declare const scrivener: Scrivener<Event>;
declare const memory: InMemoryScrivener<Event>;

export async function narrowing(): Promise<void> {
  const tail = scrivener.tail(0, { match: isType('Answered'), caughtUp: () => undefined });
  type Tail = Expect<Equal<typeof tail, JournalStream<Answered>>>;
  const oldest = memory.tail('oldest', { match: isType('Asked') });
  type Oldest = Expect<Equal<typeof oldest, JournalStream<Asked>>>;
  const backward = scrivener.readBackward(undefined, { match: isType('Answered') });
  type Backward = Expect<Equal<typeof backward, JournalStream<Answered>>>;
  const inferred = scrivener.tail(0, { match: (entry) => entry.type === 'Asked' });
  type Inferred = Expect<Equal<typeof inferred, JournalStream<Asked>>>;
  const some = scrivener.tail(0, { match: (entry): boolean => entry.type === 'Asked', flushed: true });
  type Some = Expect<Equal<typeof some, JournalStream<Event>>>;
  for await (const { entry } of scrivener.tail(0, { match: isType('Answered') })) void entry.answer;
  const declared: JournalStream<Answered> = scrivener.tail(0, { match: isType('Answered') });
  // @ts-expect-error -- no such type
  scrivener.tail(0, { match: isType('Left') });
  // @ts-expect-error -- only `tail` starts at the oldest
  scrivener.readBackward('oldest');
  // @ts-expect-error -- no such place
  scrivener.tail('newest');
  // @ts-expect-error -- match gives a boolean
  scrivener.tail(0, { match: (entry) => entry.type });
  void [tail, oldest, backward, inferred, some, declared];
  void (0 as unknown as [Tail, Oldest, Backward, Inferred, Some]);
}

/** A scrivener of a user's own, with plain methods, as it was written before there was `match`. */
export class Own<T> implements Scrivener<T> {
  constructor(readonly inner: Scrivener<T>) {}

  write(entry: T, options?: WriteOptions): Promise<Position> {
    return this.inner.write(entry, options);
  }

  tail(after?: Position, options?: TailOptions): JournalStream<T> {
    return this.inner.tail(after, options);
  }

  readBackward(before?: Position, options?: ReadOptions): JournalStream<T> {
    return this.inner.readBackward(before, options);
  }

  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>> {
    return this.inner.waitFor(after, match, options);
  }
}

/** One that overrides a part. */
export class Late<T> extends InMemoryScrivener<T> {
  override tail(after?: Position, options?: TailOptions): JournalStream<T> {
    return super.tail(after, options);
  }
}

export async function ofOnesOwn(own: Own<Event>, late: Late<Event>): Promise<void> {
  const last = await lastEntries(late, 1);
  type Last = Expect<Equal<typeof last, Positioned<Event>[]>>;
  const lastOwn = await lastEntries(own, 1);
  type LastOwn = Expect<Equal<typeof lastOwn, Positioned<Event>[]>>;
  const classes = memory.tail(0, { match: instanceOf(Object) });
  void [last, lastOwn, classes];
  void (0 as unknown as [Last, LastOwn]);
}
