import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  consume,
  currentState,
  decide,
  flushingOf,
  inMemoryJournals,
  lastEntries,
  projection,
  TappedScrivener,
  type GroupWriter,
  type Journals,
  type Position,
  type Scrivener,
} from 'rx-scrivener';
import { openJournalFolder } from 'rx-scrivener/file';
import { scrivenerConformance, type ConformanceEntry, type ConformanceSubject } from 'rx-scrivener/testing';
import { firstValueFrom, lastValueFrom, take, tap, toArray } from 'rxjs';

interface Subject<T> {
  readonly journals: Journals<T>;
  dispose(): Promise<void>;
}

const backends: Record<string, <T>() => Promise<Subject<T>>> = {
  memory: async <T>() => {
    const journals = inMemoryJournals<T>();
    return { journals, dispose: () => journals.close() };
  },
  folder: async <T>() => {
    const folder = await mkdtemp(join(tmpdir(), 'scrivener-journals-'));
    const journals = await openJournalFolder<T>({ folder });
    const dispose = async () => {
      await journals.close();
      await rm(folder, { recursive: true });
    };
    return { journals, dispose };
  },
  'folder with room for one': async <T>() => {
    const folder = await mkdtemp(join(tmpdir(), 'scrivener-journals-'));
    const journals = await openJournalFolder<T>({ folder, maxOpen: 1 });
    const dispose = async () => {
      await journals.close();
      await rm(folder, { recursive: true });
    };
    return { journals, dispose };
  },
};

const all = async <V>(values: AsyncIterable<V>): Promise<V[]> => {
  const found: V[] = [];
  for await (const value of values) found.push(value);
  return found;
};
const held = async <T>(scrivener: Scrivener<T>) => (await lastEntries(scrivener, 100)).map(({ entry }) => entry);
const notFound = expect.objectContaining({ code: 'ERR_JOURNAL_NOT_FOUND' }) as unknown;
const isClosed = expect.objectContaining({ code: 'ERR_JOURNAL_CLOSED' }) as unknown;

for (const [backend, open] of Object.entries(backends)) {
  describe(`journals: ${backend}`, () => {
    let subject: Subject<string>;
    let journals: Journals<string>;
    beforeEach(async () => {
      subject = await open<string>();
      journals = subject.journals;
    });
    afterEach(() => subject.dispose());

    test('a write creates a journal, and each has positions of its own', async () => {
      expect(await journals.exists('a')).toBe(false);
      expect(await journals.journal('a').write('1')).toBe(1);
      expect(await journals.journal('b').write('2')).toBe(1);
      expect(await journals.journal('a').write('3')).toBe(2);
      expect(await held(journals.journal('a'))).toEqual(['1', '3']);
      expect(await journals.exists('a')).toBe(true);
    });

    test('no state is kept of a journal that was deleted, also where it is wrapped', async () => {
      const journal = journals.journal('a');
      const tapped = new TappedScrivener(journal, (entry, to, options) => to.write(entry, options));
      const text = projection<string, string>({ initial: () => '', evolve: (text, entry) => text + entry });
      for (const entry of 'old') await journal.write(entry);
      for (const scrivener of [journal, tapped]) expect((await currentState(scrivener, text)).state).toBe('old');
      await journals.delete('a');
      await journals.create('a');
      expect(await decide(journal, text, (state) => `after "${state}"`)).toEqual({
        position: 1,
        state: 'after ""',
        written: [1],
      });
      for (const entry of ', new') await journal.write(entry);
      for (const scrivener of [journal, tapped])
        expect(await currentState(scrivener, text)).toEqual({ position: 6, state: 'after "", new' });
    });

    test('readers of a journal that does not exist make none', async () => {
      const journal = journals.journal('a');
      await expect(firstValueFrom(journal.tail())).rejects.toEqual(notFound);
      await expect(all(journal.tail())).rejects.toEqual(notFound);
      await expect(all(journal.readBackward())).rejects.toEqual(notFound);
      await expect(journal.waitFor(0, () => true)).rejects.toEqual(notFound);
      expect(await journals.exists('a')).toBe(false);
      expect(await all(journals.names())).toEqual([]);
      expect(await journals.journal('a').write('1')).toBe(1);
    });

    test('whoever leaves a replay early reads no further', async () => {
      const journal = journals.journal('a');
      for (const entry of 'abcdef') await journal.write(entry);
      const match = jest.fn(() => true);
      for (const records of [journal.tail(0, { match }), journal.readBackward(undefined, { match })]) {
        await firstValueFrom(records);
        await lastValueFrom(records.pipe(take(2)));
      }
      expect(match).toHaveBeenCalledTimes(6);
    });

    test('a signal that a reader of the entry aborts does not reject its write', async () => {
      const journal = journals.journal('a');
      await journals.create('a');
      const controller = new AbortController();
      const reading = firstValueFrom(journal.tail().pipe(tap(() => controller.abort())));
      await journal.waitFor(0, () => true, { timeout: 0 }).catch(() => undefined); // it is open
      expect(await journal.write('a', { signal: controller.signal })).toBe(1);
      expect([(await reading).entry, controller.signal.aborted]).toEqual(['a', true]);
    });

    test('writes keep the order of their calls, from the first one on', async () => {
      const journal = journals.journal('a');
      const positions = Array.from({ length: 50 }, (_, index) => journal.write(String(index)));
      expect(await Promise.all(positions)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
      expect(await held(journal)).toEqual(Array.from({ length: 50 }, (_, index) => String(index)));
    });

    test('a name has one scrivener, so that callers of `decide` take turns', async () => {
      expect(journals.journal('a')).toBe(journals.journal('a'));
      const count = { initial: () => 0, evolve: (count: number) => count + 1 };
      const add = () => decide(journals.journal('a'), count, (count) => String(count), { retries: 0 });
      await journals.create('a');
      await Promise.all([add(), add(), add()]);
      expect(await held(journals.journal('a'))).toEqual(['0', '1', '2']);
    });

    test('`create` tells whether a journal is new', async () => {
      expect(await journals.create('a')).toBe(true);
      expect(await journals.create('a')).toBe(false);
      expect(await held(journals.journal('a'))).toEqual([]);
      expect(await journals.exists('a')).toBe(true);
      expect((await Promise.all([1, 2, 3].map(() => journals.create('b')))).filter(Boolean)).toHaveLength(1);
    });

    test('`delete` ends those who read and wait with an error, and a write begins again', async () => {
      const journal = journals.journal('a');
      await journal.write('old');
      const reads = [
        firstValueFrom(journal.tail().pipe(toArray())),
        all(journal.tail()),
        journal.waitFor(0, (entry) => entry === 'new'),
      ];
      const settled = Promise.allSettled(reads);
      await firstValueFrom(journal.tail());
      expect(await journals.delete('a')).toBe(true);
      expect(await settled).toEqual(reads.map(() => ({ status: 'rejected', reason: notFound })));
      expect(await journals.delete('a')).toBe(false);
      expect(await journals.exists('a')).toBe(false);
      await expect(all(journal.tail())).rejects.toEqual(notFound);
      expect(await journal.write('new')).toBe(1);
      expect(await held(journal)).toEqual(['new']);
    });

    test('names are sorted, by prefix, and any text', async () => {
      const names = [
        'b',
        'a',
        'A',
        'ann/2',
        'ann/10',
        '..',
        '/',
        'CON',
        'ä',
        'a\u0308',
        'x.',
        ' ',
        '\0',
        '\ud800',
        '😀',
        '+',
        '%2f',
        '^a',
      ];
      for (const name of names) await journals.journal(name).write(name);
      expect(await all(journals.names())).toEqual([...names].sort());
      expect(await all(journals.names('ann/'))).toEqual(['ann/10', 'ann/2']);
      expect(await all(journals.names('nobody'))).toEqual([]);
      for (const name of names) expect(await held(journals.journal(name))).toEqual([name]);
    });

    test('names have 1 to 512 characters', async () => {
      for (const name of ['x'.repeat(512), '😀'.repeat(512), `${'Ü'.repeat(511)}1`, `${'Ü'.repeat(511)}2`]) {
        expect(await journals.journal(name).write('1')).toBe(1);
        expect(await all(journals.names(name))).toEqual([name]);
      }
      for (const name of ['', 'x'.repeat(513)]) {
        expect(() => journals.journal(name)).toThrow(RangeError);
        await expect(journals.create(name)).rejects.toThrow(RangeError);
        await expect(journals.exists(name)).rejects.toThrow(RangeError);
        await expect(journals.delete(name)).rejects.toThrow(RangeError);
        await expect(journals.fork('a', name, 0)).rejects.toThrow(RangeError);
      }
      expect(() => journals.journal(7 as unknown as string)).toThrow('Expected `name` to be a string, got 7');
      expect(() => journals.names(7 as unknown as string)).toThrow('Expected `prefix` to be a string, got 7');
    });

    test('a fork holds what the journal held up to a position, and continues on its own', async () => {
      const journal = journals.journal('a');
      await (journal as unknown as GroupWriter<string>).writeAll(['1', '2', '3']);
      await journals.fork('a', 'b', 2);
      await journal.write('4');
      expect(await journals.journal('b').write('other')).toBe(3);
      expect(await held(journals.journal('b'))).toEqual(['1', '2', 'other']);
      expect(await held(journal)).toEqual(['1', '2', '3', '4']);
      await journals.fork('b', 'c', 3);
      expect(await held(journals.journal('c'))).toEqual(['1', '2', 'other']);
      await journals.fork('b', 'empty', 0);
      expect(await journals.journal('empty').write('first')).toBe(1);
    });

    test('a fork is refused that cannot be', async () => {
      await journals.journal('a').write('1');
      await journals.journal('b').write('2');
      await expect(journals.fork('nobody', 'c', 0)).rejects.toEqual(notFound);
      await expect(journals.fork('a', 'b', 1)).rejects.toMatchObject({ code: 'ERR_JOURNAL_EXISTS', journal: 'b' });
      await expect(journals.fork('a', 'c', 2)).rejects.toThrow('Expected `through` to be a position up to 1, got 2');
      await expect(journals.fork('a', 'c', -1)).rejects.toThrow('`through`');
      expect(await all(journals.names())).toEqual(['a', 'b']);
      expect(await held(journals.journal('b'))).toEqual(['2']);
    });

    test('knows its end while it is used and afterwards', async () => {
      const journal = journals.journal('a') as Scrivener<string> & { head: Position; first: Position };
      expect([journal.head, journal.first]).toEqual([0, 1]);
      await journal.write('1');
      expect([journal.head, journal.first]).toEqual([1, 1]);
      await journals.journal('b').write('1');
      expect([journal.head, journal.first]).toEqual([1, 1]);
      await flushingOf(journal)?.whenFlushed(1);
      await journals.delete('a');
      expect([journal.head, journal.first]).toEqual([0, 1]);
    });

    test('`consume` goes through a journal', async () => {
      const journal = journals.journal('a');
      await journal.write('1');
      await journal.write('2');
      let bookmark = 0;
      const bookmarks = { load: async () => bookmark, save: async (position: Position) => void (bookmark = position) };
      const handled: string[] = [];
      const consumed = consume(journal, bookmarks, ({ entry }) => void handled.push(entry));
      await firstValueFrom(consumed.pipe(take(2), toArray()));
      expect(handled).toEqual(['1', '2']);
    });

    test('once closed, everything rejects, and tails have completed', async () => {
      const journal = journals.journal('a');
      await journal.write('1');
      const tail = firstValueFrom(journal.tail().pipe(toArray()));
      await firstValueFrom(journal.tail());
      await journals.close();
      expect(await tail).toEqual([{ position: 1, entry: '1' }]);
      await expect(journal.write('2')).rejects.toEqual(isClosed);
      await expect(all(journal.tail())).rejects.toEqual(isClosed);
      await expect(journals.create('b')).rejects.toEqual(isClosed);
      await expect(journals.exists('a')).rejects.toEqual(isClosed);
      await expect(journals.delete('a')).rejects.toEqual(isClosed);
      await expect(journals.fork('a', 'b', 1)).rejects.toEqual(isClosed);
      await expect(all(journals.names())).rejects.toEqual(isClosed);
      await journals.close();
    });
  });

  describe(`a journal of many: ${backend}`, () => {
    const supports = { writeAll: true, ends: true, retain: false, complete: false, fail: false, observed: false };
    const create = async (): Promise<ConformanceSubject> => {
      const { journals, dispose } = await open<ConformanceEntry>();
      await journals.create('it');
      return { scrivener: journals.journal('it'), dispose };
    };
    scrivenerConformance({ test, create, supports, timeoutMs: 20_000 });
  });
}
