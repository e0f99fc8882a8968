/* eslint-disable @typescript-eslint/no-meaningless-void-operator, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unnecessary-type-assertion -- what must not compile is written on purpose */
/** Type tests: `tsc` is the runner, nothing here is called. */
import { auditTime, debounceTime, filter, of, timer, type Observable } from 'rxjs';
import {
  anyOf,
  bufferUntil,
  byteThreshold,
  countThreshold,
  elapsed,
  entries,
  FlusherDaemon,
  instanceOf,
  isType,
  toAsyncIterable,
  waitFor,
  type FlushPredicate,
  type FlushSink,
  type JournalStream,
  type OfType,
  type Positioned,
  type Scrivener,
  type Snapshot,
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
interface Open {
  type: string;
  payload: number;
}

declare const scrivener: Scrivener<Event>;
declare const sink: FlushSink<Event>;
declare const numbers: Observable<number>;
declare const stream: JournalStream<Event>;

export type OfTypes = [
  Expect<Equal<OfType<Event, 'Asked'>, Asked>>,
  Expect<Equal<OfType<Event, 'Asked' | 'Answered'>, Event>>,
  // An open type is narrowed by what was asked for.
  Expect<Equal<OfType<Open, 'x'>, Open & { type: 'x' }>>,
  Expect<Equal<OfType<Event, 'Left'>, never>>,
  Expect<Equal<OfType<{ kind: 'x' }, 'x'>, never>>,
];

export function guards(): void {
  const narrowed = stream.pipe(entries(), filter(isType('Asked')));
  type Narrowed = Expect<Equal<typeof narrowed, Observable<Asked>>>;
  // @ts-expect-error -- no such type
  stream.pipe(entries(), filter(isType('Left')));
  // @ts-expect-error -- the narrowed entry has no answer
  narrowed.subscribe(({ answer }) => answer);
  class Question {
    constructor(readonly text: string) {}
  }
  abstract class Base {
    abstract base: string;
  }
  const instances = (numbers as Observable<unknown>).pipe(filter(instanceOf(Question)));
  type Instances = Expect<Equal<typeof instances, Observable<Question>>>;
  const bases = (numbers as Observable<unknown>).pipe(filter(instanceOf(Base)));
  type Bases = Expect<Equal<typeof bases, Observable<Base>>>;
  // @ts-expect-error -- no class
  instanceOf({ text: 'x' });
  void (0 as unknown as [Narrowed, Instances, Bases]);
}

export function waiting(): void {
  const narrowed = stream.pipe(waitFor(isType('Answered'), { timeout: 1 }));
  type Narrowed = Expect<Equal<typeof narrowed, Observable<Positioned<Answered>>>>;
  const some = stream.pipe(waitFor((entry): boolean => entry.type === 'Asked'));
  type Some = Expect<Equal<typeof some, Observable<Positioned<Event>>>>;
  // @ts-expect-error -- records, not numbers
  numbers.pipe(waitFor(() => true));
  void (0 as unknown as [Narrowed, Some]);
}

export function buffers(): void {
  const batches = numbers.pipe(bufferUntil(countThreshold(2)));
  type Batches = Expect<Equal<typeof batches, Observable<number[]>>>;
  // Predicates in place, and their snapshot's type comes from the source.
  numbers.pipe(bufferUntil(filter((batch) => batch.at(-1)!.toFixed() === '1')));
  numbers.pipe(bufferUntil(debounceTime(200)));
  numbers.pipe(bufferUntil(auditTime(200)));
  numbers.pipe(bufferUntil(() => timer(200)));
  numbers.pipe(bufferUntil(elapsed(200)));
  numbers.pipe(bufferUntil(anyOf(countThreshold(2), elapsed(200), () => of(1))));
  numbers.pipe(
    bufferUntil(
      // @ts-expect-error -- a snapshot is handed over, not a value
      filter((value: number) => value > 1),
    ),
  );
  // @ts-expect-error -- an operator, not a function of the batch
  numbers.pipe(bufferUntil((batch: readonly number[]) => batch.length > 1));
  numbers.pipe(
    bufferUntil(
      filter((batch) => {
        // @ts-expect-error -- readonly
        batch.push(1);
        return true;
      }),
    ),
  );
  void (0 as unknown as Batches);
}

export function flushing(): void {
  new FlusherDaemon({ scrivener, sink });
  new FlusherDaemon({ scrivener, sink, predicate: countThreshold(2), flushQueueCapacity: 1, after: 1, name: 'x' });
  new FlusherDaemon({ scrivener, sink, predicate: anyOf(countThreshold(2), elapsed(1000)) });
  new FlusherDaemon({ scrivener, sink, predicate: debounceTime(200) });
  new FlusherDaemon({ scrivener, sink, predicate: () => timer(1) });
  new FlusherDaemon({ scrivener, sink, predicate: filter((s) => s.at(-1)!.entry.type === 'Asked') });
  new FlusherDaemon({ scrivener, sink, predicate: byteThreshold(10, ({ entry }) => entry.type.length) });
  // @ts-expect-error -- a sink for other entries
  new FlusherDaemon({ scrivener, sink: sink as unknown as FlushSink<number> });
  // @ts-expect-error -- the sink is required
  new FlusherDaemon({ scrivener });
  const flusher = new FlusherDaemon({ scrivener, sink });
  // @ts-expect-error -- readonly
  flusher.flushed = 3;
  // @ts-expect-error -- readonly
  flusher.status = 'Failed';
  // @ts-expect-error -- no such status
  void flusher.waitFor('Paused');
  const snapshot: Snapshot<Event> = [{ position: 1, entry: { type: 'Asked', question: '?' } }];
  // @ts-expect-error -- readonly
  snapshot.push(snapshot[0]!);
  const predicate: FlushPredicate<Event> = byteThreshold<Event>(1, ({ entry }) => entry.type.length);
  void predicate;
}

export async function iterables(): Promise<void> {
  for await (const n of toAsyncIterable(numbers, { highWaterMark: 1, overflow: 'dropOldest' })) {
    type N = Expect<Equal<typeof n, number>>;
    void (0 as unknown as N);
  }
  for await (const record of toAsyncIterable(stream)) {
    type R = Expect<Equal<typeof record, Positioned<Event>>>;
    void (0 as unknown as R);
  }
  // @ts-expect-error -- no such mode
  toAsyncIterable(numbers, { overflow: 'drop' });
  // @ts-expect-error -- nothing to iterate
  toAsyncIterable(1);
}
