/* eslint-disable @typescript-eslint/no-meaningless-void-operator, @typescript-eslint/no-unsafe-member-access, no-self-assign -- what must not compile is written on purpose */
/** Type tests: `tsc` is the runner, nothing here is called. */
import { filter, of, type Observable, type Observer } from 'rxjs';
import {
  InMemoryScrivener,
  isType,
  JournalStream,
  TappedScrivener,
  type Position,
  type Positioned,
  type ReadOptions,
  type Scrivener,
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
declare const narrow: Scrivener<Asked>;
declare const wide: Scrivener<Event | { type: 'Left' }>;

export async function scriveners(): Promise<void> {
  type Written = Expect<Equal<ReturnType<typeof scrivener.write>, Promise<Position>>>;
  type Tailed = Expect<Equal<ReturnType<typeof scrivener.tail>, JournalStream<Event>>>;
  type Backward = Expect<Equal<ReturnType<typeof scrivener.readBackward>, JournalStream<Event>>>;
  type APosition = Expect<Equal<Position, number>>;

  await scrivener.write({ type: 'Asked', question: '?' });
  // @ts-expect-error -- no such entry
  await scrivener.write({ type: 'Left' });
  // @ts-expect-error -- an entry lacks a member
  await scrivener.write({ type: 'Asked' });
  // @ts-expect-error -- expect is a position
  await scrivener.write({ type: 'Asked', question: '?' }, { expect: '1' });

  // A scrivener is read and written: it is neither wider nor narrower than what it holds.
  // @ts-expect-error -- would give what is no Asked
  const tooNarrow: Scrivener<Asked> = scrivener;
  // @ts-expect-error -- would take what is no Event
  const tooWide: Scrivener<Event> = narrow;
  // @ts-expect-error -- would give what is no Event
  const tooMuch: Scrivener<Event> = wide;

  const narrowed = await scrivener.waitFor(0, isType('Answered'));
  type Narrowed = Expect<Equal<typeof narrowed, Positioned<Answered>>>;
  const both = await scrivener.waitFor(0, isType('Answered', 'Asked'));
  type Both = Expect<Equal<typeof both, Positioned<Event>>>;
  const guarded = await scrivener.waitFor(0, (entry) => entry.type === 'Asked');
  // TypeScript infers the type guard.
  type Guarded = Expect<Equal<typeof guarded, Positioned<Asked>>>;
  const some = await scrivener.waitFor(0, (entry): boolean => entry.type === 'Asked', {
    timeout: 1,
    signal: AbortSignal.abort(),
  });
  type Some = Expect<Equal<typeof some, Positioned<Event>>>;
  // @ts-expect-error -- no such type
  await scrivener.waitFor(0, isType('Left'));
  // @ts-expect-error -- match gives a boolean
  await scrivener.waitFor(0, (entry) => entry.type);
  // @ts-expect-error -- after is required
  await scrivener.waitFor((entry) => entry.type === 'Asked');
  // @ts-expect-error -- a timeout is a number
  await scrivener.waitFor(0, () => true, { timeout: '1' });

  void [tooNarrow, tooWide, tooMuch];
  type Used = [Written, Tailed, Backward, APosition, Narrowed, Both, Guarded, Some];
  void (0 as unknown as Used);
}

export function options(): void {
  const write: WriteOptions = { expect: 1, signal: AbortSignal.abort() };
  const wait: WaitOptions = { timeout: Infinity };
  const read: ReadOptions = { signal: undefined };
  // @ts-expect-error -- readonly
  write.expect = 2;
  // @ts-expect-error -- readonly
  wait.timeout = 2;
  // @ts-expect-error -- no such option
  const unknown: ReadOptions = { timeout: 1 };
  void [read, unknown];
}

export async function streams(stream: JournalStream<Event>): Promise<void> {
  const observable: Observable<Positioned<Event>> = stream;
  const iterable: AsyncIterable<Positioned<Event>> = stream;
  for await (const record of stream) {
    type Record = Expect<Equal<typeof record, Positioned<Event>>>;
    void (0 as unknown as Record);
    // @ts-expect-error -- readonly
    record.position = 1;
    // @ts-expect-error -- readonly
    record.entry = record.entry;
  }
  const own = new JournalStream<string>(
    (subscriber) => subscriber.next({ position: 1, entry: 'x' }),
    async function* () {
      yield { position: 1, entry: 'x' };
    },
  );
  // @ts-expect-error -- both ways of reading are required
  new JournalStream<string>(() => undefined);
  new JournalStream<string>(
    // @ts-expect-error -- records, not entries
    (subscriber) => subscriber.next('x'),
    async function* () {},
  );
  void [observable, iterable, own];
}

export function inMemory(): void {
  const journal = new InMemoryScrivener<number>({ retain: 3 });
  const asScrivener: Scrivener<number> = journal;
  const asObserver: Observer<number> = journal;
  of(1, 2).subscribe(journal);
  // @ts-expect-error -- other entries
  of('a').subscribe(journal);
  // @ts-expect-error -- readonly
  journal.head = 3;
  const position: Position = journal.append(1);
  // @ts-expect-error -- no such entry
  journal.append('1');
  // @ts-expect-error -- a count
  new InMemoryScrivener({ retain: '3' });
  void [asScrivener, asObserver, position];
}

export function tapped(): void {
  const tap = new TappedScrivener<Event>(scrivener, (entry, inner, writeOptions) => {
    type Entry = Expect<Equal<typeof entry, Event>>;
    type Inner = Expect<Equal<typeof inner, Scrivener<Event>>>;
    void (0 as unknown as [Entry, Inner]);
    return inner.write(entry, writeOptions);
  });
  const asScrivener: Scrivener<Event> = tap;
  // @ts-expect-error -- gives a position
  new TappedScrivener<Event>(scrivener, async () => 'x');
  void asScrivener;
  scrivener.tail().pipe(filter(({ position }) => position > 1));
}
