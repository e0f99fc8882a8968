/* eslint-disable @typescript-eslint/no-meaningless-void-operator -- what must not compile is written on purpose */
/** Type tests: `tsc` is the runner, nothing here is called. */
import type { Observable } from 'rxjs';
import {
  ask,
  consume,
  isType,
  lastEntries,
  TappedScrivener,
  writeOnce,
  type BookmarkStore,
  type Position,
  type Positioned,
  type Scrivener,
  type WriteOptions,
} from 'rx-scrivener';
import { FileBookmarkStore } from 'rx-scrivener/file';
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
declare const bookmarks: BookmarkStore;
const question: Asked = { type: 'Asked', question: '?' };

export async function asking(): Promise<void> {
  const answer = await ask(scrivener, question, isType('Answered'), { timeout: 1, signal: AbortSignal.abort() });
  type Narrowed = Expect<Equal<typeof answer, Positioned<Answered>>>;
  const either = await ask(scrivener, question, isType('Answered', 'Asked'));
  type Either = Expect<Equal<typeof either, Positioned<Event>>>;
  const inferred = await ask(scrivener, question, (entry) => entry.type === 'Answered');
  // TypeScript infers the type guard.
  type Inferred = Expect<Equal<typeof inferred, Positioned<Answered>>>;
  // @ts-expect-error -- no such type
  await ask(scrivener, question, isType('Left'));
  const any = await ask(scrivener, question, (entry, asked): boolean => entry.type === 'Answered' && asked > 1);
  type Any = Expect<Equal<typeof any, Positioned<Event>>>;
  const anchored = await ask(scrivener, question, (entry, asked): entry is Answered => {
    type Given = Expect<Equal<[typeof entry, typeof asked], [Event, Position]>>;
    void (0 as unknown as Given);
    return entry.type === 'Answered' && entry.answer === String(asked);
  });
  type Anchored = Expect<Equal<typeof anchored, Positioned<Answered>>>;
  // The scrivener says what an entry is, the question does not.
  // @ts-expect-error -- no such entry
  await ask(scrivener, { type: 'Left' }, isType('Answered'));
  // @ts-expect-error -- an entry lacks a member
  await ask(scrivener, { type: 'Asked' }, isType('Answered'));
  // @ts-expect-error -- a timeout is a number
  await ask(scrivener, question, isType('Answered'), { timeout: '1' });
  void (0 as unknown as [Narrowed, Either, Inferred, Any, Anchored]);
}

export async function last(): Promise<void> {
  const records = await lastEntries(scrivener, 3);
  type Records = Expect<Equal<typeof records, Positioned<Event>[]>>;
  const answers = await lastEntries(scrivener, 20, isType('Answered'));
  type Answers = Expect<Equal<typeof answers, Positioned<Answered>[]>>;
  const some = await lastEntries(scrivener, 20, (entry): boolean => entry.type === 'Answered');
  type Some = Expect<Equal<typeof some, Positioned<Event>[]>>;
  // @ts-expect-error -- no such type
  await lastEntries(scrivener, 20, isType('Left'));
  // @ts-expect-error -- the count is required
  await lastEntries(scrivener);
  // @ts-expect-error -- a count
  await lastEntries(scrivener, '3');
  void (0 as unknown as [Records, Answers, Some]);
}

export async function once(): Promise<void> {
  const outcome = await writeOnce(scrivener, question, (entry) => {
    type Given = Expect<Equal<typeof entry, Event>>;
    void (0 as unknown as Given);
    return entry.type === 'Asked';
  });
  type Outcome = Expect<Equal<typeof outcome, { position: Position; written: boolean }>>;
  await writeOnce(scrivener, question, () => false, { after: 3 });
  // @ts-expect-error -- a position
  await writeOnce(scrivener, question, () => false, { after: '3' });
  // @ts-expect-error -- no such entry
  await writeOnce(scrivener, { type: 'Left' }, () => false);
  // @ts-expect-error -- what a duplicate is has to be said
  await writeOnce(scrivener, question);
  // @ts-expect-error -- gives a boolean
  await writeOnce(scrivener, question, (entry) => entry.type);
  // @ts-expect-error -- at once, a promise would always be a duplicate
  await writeOnce(scrivener, question, async () => false);
  void (0 as unknown as Outcome);
}

export function consuming(): void {
  const handled = consume(scrivener, bookmarks, async (record) => {
    type Given = Expect<Equal<typeof record, Positioned<Event>>>;
    void (0 as unknown as Given);
  });
  type Handled = Expect<Equal<typeof handled, Observable<Position>>>;
  consume(scrivener, bookmarks, () => undefined);
  consume(scrivener, bookmarks, () => undefined, { retired: 'skip' });
  // @ts-expect-error -- no such way
  consume(scrivener, bookmarks, () => undefined, { retired: 'ignore' });
  // @ts-expect-error -- what handles other entries
  consume(scrivener, bookmarks, (record: Positioned<number>) => void record);
  // @ts-expect-error -- records, not entries
  consume(scrivener, bookmarks, ({ question }) => void question);
  // @ts-expect-error -- a store, not a position
  consume(scrivener, 3, () => undefined);
  // @ts-expect-error -- what handles them is required
  consume(scrivener, bookmarks);
  void (0 as unknown as Handled);
}

export function tapping(): void {
  // What the scrivener holds is inferred.
  const tapped = new TappedScrivener(scrivener, (entry, inner, options) => {
    type Given = Expect<Equal<[typeof entry, typeof inner], [Event, Scrivener<Event>]>>;
    type Options = Expect<Equal<typeof options, WriteOptions | undefined>>;
    void (0 as unknown as [Given, Options]);
    return inner.write(entry, options);
  });
  type Tapped = Expect<Equal<typeof tapped, TappedScrivener<Event>>>;
  type Written = Expect<Equal<ReturnType<typeof tapped.write>, Promise<Position>>>;
  void ask(tapped, question, isType('Answered'));
  // @ts-expect-error -- writes what the journal does not hold
  new TappedScrivener(scrivener, (_, inner) => inner.write({ type: 'Left' }));
  // @ts-expect-error -- a promise, as of a write
  new TappedScrivener(scrivener, () => 1);
  // @ts-expect-error -- how it writes is required
  new TappedScrivener(scrivener);
  void (0 as unknown as [Tapped, Written]);
}

export function bookmarking(): void {
  const own: BookmarkStore = { load: async () => 0, save: async (position) => void position.toFixed() };
  type Loaded = Expect<Equal<ReturnType<typeof own.load>, Promise<Position>>>;
  type Saved = Expect<Equal<typeof own.save, (position: Position) => Promise<void>>>;
  // @ts-expect-error -- no bookmark yet is START
  const unset: BookmarkStore = { ...own, load: async () => undefined };
  // @ts-expect-error -- loads later
  const eager: BookmarkStore = { ...own, load: () => 0 };
  // @ts-expect-error -- tells when it is saved
  const silent: BookmarkStore = { ...own, save: () => undefined };
  // @ts-expect-error -- a position
  const words: BookmarkStore = { ...own, save: async (position: string) => void position };
  // @ts-expect-error -- loads, but does not save
  const half: BookmarkStore = { load: async () => 0 };

  const file = new FileBookmarkStore('data/mailer.json');
  const store: BookmarkStore = file;
  type FromFile = Expect<Equal<ReturnType<typeof file.load>, Promise<Position>>>;
  type ToFile = Expect<Equal<typeof file.save, (position: Position) => Promise<void>>>;
  consume(scrivener, file, () => undefined);
  // @ts-expect-error -- the path is required
  new FileBookmarkStore();
  // @ts-expect-error -- a path, not options
  new FileBookmarkStore({ filePath: 'data/mailer.json' });
  // @ts-expect-error -- a position
  void file.save('7');
  void [unset, eager, silent, words, half, store];
  void (0 as unknown as [Loaded, Saved, FromFile, ToFile]);
}
