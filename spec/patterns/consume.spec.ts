import { lastValueFrom, take, toArray, type Observer } from 'rxjs';
import { consume, InMemoryScrivener, type BookmarkStore, type Position, type Positioned } from 'rx-scrivener';
import { FileBookmarkStore } from 'rx-scrivener/file';
import { until } from '../file/support/outcome';
import { useTempDir } from '../file/support/temp-dir';
import { Gate } from '../hosts/chat';
import { settle } from '../journal/settle';
import { backends } from './backends';
import { SpiedScrivener } from './reads';

const path = useTempDir();
const boom = new Error('boom');

class Bookmark implements BookmarkStore {
  readonly saved: Position[] = [];
  loads = 0;
  constructor(public position: Position = 0) {}
  async load(): Promise<Position> {
    this.loads++;
    return this.position;
  }
  async save(position: Position): Promise<void> {
    this.saved.push(position);
    this.position = position;
  }
}

function logger(log: unknown[]): Observer<unknown> {
  return { next: (value) => log.push(value), error: (error) => log.push(error), complete: () => log.push('|') };
}

function journalOf(texts: string): SpiedScrivener<string> {
  const journal = new SpiedScrivener<string>();
  for (const text of texts) journal.append(text);
  return journal;
}

test('where the handling itself unsubscribes, its record is finished and bookmarked before another consumer begins', async () => {
  const journal = journalOf('abc');
  const bookmark = new Bookmark();
  const sending = new Gate();
  const log: unknown[] = [];
  const consuming = consume(journal, bookmark, async ({ entry }) => {
    log.push(`first: ${entry}`);
    if (entry !== 'b') return;
    consuming.unsubscribe();
    await sending.passed;
  }).subscribe();
  await settle();
  consume(journal, bookmark, ({ entry }) => void log.push(`second: ${entry}`)).subscribe();
  await settle();
  expect([log, bookmark.saved]).toEqual([['first: a', 'first: b'], [1]]);
  sending.open();
  await settle();
  expect(log).toEqual(['first: a', 'first: b', 'second: c']);
  expect(bookmark.saved).toEqual([1, 2, 3]);
});

describe.each(backends<string>())('on a journal %s', (_, open) => {
  test('continues in a new run, at least once, in order', async () => {
    const { scrivener, close } = await open(path('journal.ndjson'));
    const bookmarks = () => new FileBookmarkStore(path('bookmark.json'));
    const handled: string[] = [];
    const handle = ({ entry }: Positioned<string>) => void handled.push(entry);
    for (const text of 'abc') await scrivener.write(text);
    expect(await lastValueFrom(consume(scrivener, bookmarks(), handle).pipe(take(3), toArray()))).toEqual([1, 2, 3]);
    for (const text of 'de') await scrivener.write(text);
    const failing = consume(scrivener, bookmarks(), ({ position }) => {
      if (position === 5) throw boom;
    });
    await expect(lastValueFrom(failing)).rejects.toBe(boom);
    expect(await bookmarks().load()).toBe(4);
    expect(await lastValueFrom(consume(scrivener, bookmarks(), handle).pipe(take(1)))).toBe(5);
    expect(handled).toEqual(['a', 'b', 'c', 'e']);
    await close();
  });

  test('handles live entries, and ends with the journal', async () => {
    const { scrivener, complete, close } = await open(path('journal.ndjson'));
    const bookmark = new Bookmark();
    const log: unknown[] = [];
    consume(scrivener, bookmark, () => undefined).subscribe(logger(log));
    for (const text of 'ab') await scrivener.write(text);
    await until(() => log.length === 2);
    if (complete) complete();
    else await close();
    await until(() => log.length === 3);
    expect([log, bookmark.position]).toEqual([[1, 2, '|'], 2]);
    await close();
  });
});

test('is cold: nothing is loaded, read or handled before it is subscribed, and each subscription begins at the bookmark', async () => {
  const journal = journalOf('ab');
  const bookmark = new Bookmark(1);
  const handled: string[] = [];
  const consumed = consume(journal, bookmark, ({ entry }) => void handled.push(entry));
  await settle();
  expect([bookmark.loads, journal.pulls]).toEqual([0, 0]);
  expect(await lastValueFrom(consumed.pipe(take(1)))).toBe(2);
  bookmark.position = 0;
  expect(await lastValueFrom(consumed.pipe(take(2), toArray()))).toEqual([1, 2]);
  expect(handled).toEqual(['b', 'a', 'b']);
});

test('emits a position once it is handled and saved', async () => {
  const steps: string[] = [];
  const bookmarks: BookmarkStore = {
    load: async () => 0,
    save: async (position) => {
      await settle();
      steps.push(`saved ${position}`);
    },
  };
  const subscription = consume(journalOf('ab'), bookmarks, async ({ position, entry }) => {
    await settle();
    steps.push(`handled ${position} ${entry}`);
  }).subscribe((position) => steps.push(`emitted ${position}`));
  await until(() => steps.length === 6);
  expect(steps).toEqual(['handled 1 a', 'saved 1', 'emitted 1', 'handled 2 b', 'saved 2', 'emitted 2']);
  subscription.unsubscribe();
});

test('has no queue: it pulls the next once the one before is done', async () => {
  const journal = journalOf('');
  const gates: Gate[] = [];
  const subscription = consume(journal, new Bookmark(), () => {
    const gate = new Gate();
    gates.push(gate);
    return gate.passed;
  }).subscribe();
  await settle();
  for (let n = 0; n < 1_000; n++) journal.append(String(n));
  await settle();
  expect([gates.length, journal.pulls]).toEqual([1, 1]);
  gates[0]!.open();
  await settle();
  expect([gates.length, journal.pulls]).toEqual([2, 2]);
  subscription.unsubscribe();
});

describe('a bookmark', () => {
  test('ahead of the head is an error that names both, nothing is handled; at the head it is none', async () => {
    const journal = journalOf('ab');
    const handled: string[] = [];
    const handle = ({ entry }: Positioned<string>) => void handled.push(entry);
    const log: unknown[] = [];
    consume(journal, new Bookmark(3), handle).subscribe(logger(log));
    await settle();
    expect([log, journal.observed]).toEqual([
      [expect.objectContaining({ code: 'ERR_BOOKMARK_AHEAD', bookmark: 3, head: 2 })],
      false,
    ]);
    const subscription = consume(journal, new Bookmark(2), handle).subscribe();
    journal.append('c');
    await settle();
    expect(handled).toEqual(['c']);
    subscription.unsubscribe();
  });

  test.each([-1, 0.5, NaN, undefined, null, '3'])(
    'that is not a position (%p) is an error, nothing is handled',
    async (position) => {
      const log: unknown[] = [];
      const handled: string[] = [];
      const bookmark = new Bookmark();
      bookmark.position = position as number;
      consume(journalOf('ab'), bookmark, ({ entry }) => void handled.push(entry))
        .pipe(take(2))
        .subscribe(logger(log));
      await settle();
      expect([log, handled]).toEqual([[expect.any(RangeError)], []]);
    },
  );

  test.each([0, 1, 4, 5])('(%i) before what a journal kept is passed over when asked for', async (position) => {
    const journal = new InMemoryScrivener<string>({ retain: 3 });
    for (const text of 'abcdefg') journal.append(text); // kept: 5, 6, 7
    const bookmark = new Bookmark(position);
    const handled: string[] = [];
    const log: unknown[] = [];
    const handle = async ({ entry }: Positioned<string>) => {
      handled.push(entry);
      // It is too slow for what comes meanwhile: 8 to 12, of which 10, 11, 12 are kept.
      if (entry === 'g') for (const text of 'hijkl') journal.append(text);
    };
    const subscription = consume(journal, bookmark, handle, { retired: 'skip' }).subscribe(logger(log));
    await settle();
    const first = Math.max(5, position + 1);
    const kept = [5, 6, 7].filter((at) => at >= first);
    expect(log).toEqual([...kept, 10, 11, 12]);
    expect([handled.at(0), handled.at(-1), bookmark.position]).toEqual(['abcdefg'[first - 1], 'l', 12]);
    subscription.unsubscribe();
    expect(journal.observed).toBe(false);
  });

  test('with a wrong word for what was retired: TypeError at the call', () => {
    const retired = 'oldest' as 'skip';
    expect(() => consume(journalOf(''), new Bookmark(), () => undefined, { retired })).toThrow(
      /`retired` to be one of error, skip, got "oldest"/,
    );
  });

  test('before what a journal kept is an error, not a gap', async () => {
    const journal = new InMemoryScrivener<string>({ retain: 2 });
    for (const text of 'abcd') journal.append(text);
    const log: unknown[] = [];
    consume(journal, new Bookmark(1), () => undefined).subscribe(logger(log));
    await settle();
    expect(log).toEqual([expect.objectContaining({ code: 'ERR_POSITION_TRIMMED', requested: 2, first: 3 })]);
  });

  test('that cannot be loaded is an error', async () => {
    for (const load of [
      () => Promise.reject(boom),
      () => {
        throw boom;
      },
    ]) {
      const log: unknown[] = [];
      consume(journalOf('ab'), { load, save: async () => undefined }, () => undefined).subscribe(logger(log));
      await settle();
      expect(log).toEqual([boom]);
    }
  });

  test('that cannot be saved is an error: its position is not emitted, no other is handled', async () => {
    const journal = journalOf('ab');
    const log: unknown[] = [];
    const handled: string[] = [];
    const bookmarks = { load: async () => 0, save: () => Promise.reject(boom) };
    consume(journal, bookmarks, ({ entry }) => void handled.push(entry)).subscribe(logger(log));
    await settle();
    expect([log, handled, journal.observed]).toEqual([[boom], ['a'], false]);
    expect(journal.returns).toBeGreaterThan(0);
  });
});

describe('a handler that fails', () => {
  test.each<[string, () => void | Promise<void>]>([
    ['rejects', () => Promise.reject(boom)],
    [
      'throws',
      () => {
        throw boom;
      },
    ],
  ])(
    '(%s) is an error: its record is not bookmarked, no other is handled, and it is handled again',
    async (_, fail) => {
      const journal = journalOf('abc');
      const bookmark = new Bookmark();
      const handled: string[] = [];
      const log: unknown[] = [];
      consume(journal, bookmark, ({ entry }) => {
        handled.push(entry);
        return entry === 'b' ? fail() : undefined;
      }).subscribe(logger(log));
      await settle();
      expect([log, handled, bookmark.saved]).toEqual([[1, boom], ['a', 'b'], [1]]);
      expect(journal.observed).toBe(false);
      const subscription = consume(journal, bookmark, ({ entry }) => void handled.push(entry)).subscribe();
      await settle();
      expect(handled).toEqual(['a', 'b', 'b', 'c']);
      subscription.unsubscribe();
    },
  );
});

describe('unsubscribed', () => {
  test('while it handles: the current record is finished and bookmarked, none comes after it', async () => {
    const journal = journalOf('ab');
    const bookmark = new Bookmark();
    const gate = new Gate();
    const log: unknown[] = [];
    const handled: string[] = [];
    const subscription = consume(journal, bookmark, async ({ entry }) => {
      await gate.passed;
      handled.push(entry);
    }).subscribe(logger(log));
    await settle();
    subscription.unsubscribe();
    expect(journal.returns).toBeGreaterThan(0); // at once
    gate.open();
    await settle();
    expect([handled, bookmark.saved, log, journal.observed]).toEqual([['a'], [1], [], false]);
  });

  test('while it handles, and the handler then fails: nothing is reported, nothing is bookmarked, the process lives', async () => {
    const bookmark = new Bookmark();
    const gate = new Gate();
    const log: unknown[] = [];
    const subscription = consume(journalOf('ab'), bookmark, () => gate.passed).subscribe(logger(log));
    await settle();
    subscription.unsubscribe();
    gate.fail(boom);
    await settle();
    expect([log, bookmark.saved]).toEqual([[], []]);
  });

  test('while it loads the bookmark: nothing is read', async () => {
    const journal = journalOf('ab');
    const gate = new Gate<Position>();
    const bookmarks = { load: () => gate.passed, save: async () => undefined };
    consume(journal, bookmarks, () => expect('handled').toBe('not handled'))
      .subscribe()
      .unsubscribe();
    gate.open(0);
    await settle();
    expect(journal.pulls).toBe(0);
  });

  test('while it waits for an entry: it is gone from the journal at once', async () => {
    const journal = journalOf('');
    const subscription = consume(journal, new Bookmark(), () => undefined).subscribe();
    await settle();
    expect(journal.observed).toBe(true);
    subscription.unsubscribe();
    expect(journal.observed).toBe(false);
  });

  test('by what it emits', async () => {
    const journal = journalOf('abc');
    const bookmark = new Bookmark();
    expect(await lastValueFrom(consume(journal, bookmark, () => undefined).pipe(take(2), toArray()))).toEqual([1, 2]);
    await settle();
    expect([bookmark.saved, journal.observed]).toEqual([[1, 2], false]);
  });
});

test('a handler that writes to the journal is given that in its turn', async () => {
  const journal = journalOf('a');
  const handled: string[] = [];
  const subscription = consume(journal, new Bookmark(), async ({ entry }) => {
    handled.push(entry);
    if (entry.length < 3) await journal.write(entry + '!');
  }).subscribe();
  await settle();
  expect(handled).toEqual(['a', 'a!', 'a!!']);
  subscription.unsubscribe();
});

test('an error of the journal comes after what it holds', async () => {
  const journal = journalOf('ab');
  journal.error(boom);
  const log: unknown[] = [];
  consume(journal, new Bookmark(), () => undefined).subscribe(logger(log));
  await settle();
  expect(log).toEqual([1, 2, boom]);
});

test('10,000 entries are no stack and no time', async () => {
  const journal = new InMemoryScrivener<number>();
  for (let n = 1; n <= 10_000; n++) journal.append(n);
  expect(await lastValueFrom(consume(journal, new Bookmark(), () => undefined).pipe(take(10_000)))).toBe(10_000);
});
