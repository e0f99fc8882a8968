import type { BrowserContext, Page } from 'playwright-core';
import { describeInBrowser, openPage, ORIGIN } from './support/browser';
import { indexedDbPage, type Numbered } from './support/indexed-db-page';

/** Positions of what is stored, each with its `n`. */
async function storedIn(page: Page, name = 'talk'): Promise<[number, unknown][]> {
  const lines = await page.evaluate((name) => window.stored(name), name);
  return lines.map(([position, line]) => [position, (JSON.parse(line) as { entry: { n: unknown } }).entry.n]);
}

const setQuota = async (context: BrowserContext, page: Page, quotaSize?: number) => {
  const devTools = await context.newCDPSession(page);
  await devTools.send('Storage.overrideQuotaForOrigin', { origin: ORIGIN, quotaSize });
};

describeInBrowser('A connection to IndexedDB', (browser) => {
  let context: BrowserContext;
  let page: Page;
  let warnings: string[];

  beforeEach(async () => {
    ({ context, page } = await openPage(browser(), indexedDbPage));
    warnings = [];
    page.on('console', (message) => message.type() === 'warning' && warnings.push(message.text()));
  }, 30_000);
  afterEach(() => context.close());

  test.each(['closed without a word', 'a `close` event', 'a `versionchange` event'])(
    'that is lost is made again, and nothing with it: %s',
    async (how) => {
      const flushed = await page.evaluate(async (how) => {
        const scrivener = await window.rx.openIndexedDbScrivener<Numbered>({ name: 'talk', flushThreshold: 2 });
        for (let n = 1; n <= 7; n++) {
          await scrivener.write({ n });
          if (n % 3 !== 0) continue;
          await scrivener.flush();
          const connection = window.connections.at(-1)!;
          if (how !== 'a `versionchange` event') connection.close();
          if (how === 'a `close` event') connection.dispatchEvent(new Event('close'));
          if (how === 'a `versionchange` event') {
            connection.dispatchEvent(new IDBVersionChangeEvent('versionchange', { oldVersion: 1, newVersion: 2 }));
          }
        }
        await scrivener.close();
        return [scrivener.flushed, scrivener.flusher.status, window.connections.length];
      }, how);
      expect(flushed).toEqual([7, 'Completed', 3]);
      expect(await storedIn(page)).toEqual([1, 2, 3, 4, 5, 6, 7].map((n) => [n, n]));
      expect(warnings).toEqual([]);
    },
    30_000,
  );

  test('a batch that got there before its connection was closed is not written twice, nor is a part of a larger one', async () => {
    const flushed = await page.evaluate(async () => {
      const scrivener = await window.rx.openIndexedDbScrivener({ name: 'talk' });
      await scrivener.whenFlushed(await scrivener.write({ n: 1 }));
      const { commit } = IDBTransaction.prototype;
      let failures = 0;
      IDBTransaction.prototype.commit = function (this: IDBTransaction) {
        commit.call(this);
        if (failures++ < 3) throw new DOMException('The connection was closed', 'InvalidStateError');
      };
      await scrivener.writeAll([{ n: 2 }, { n: 3 }]);
      const error = await window.failure(scrivener.flush());
      await scrivener.write({ n: 4 });
      await scrivener.reopen();
      await scrivener.close();
      return [error.name, scrivener.flushed, failures];
    });
    expect(flushed).toEqual(['InvalidStateError', 4, 4]);
    expect(await storedIn(page)).toEqual([1, 2, 3, 4].map((n) => [n, n]));
  }, 30_000);

  test('the first batch of a sink is not written twice, and one whose place somebody else has taken is refused', async () => {
    const found = await page.evaluate(async () => {
      const sink = new window.rx.IndexedDbSink<Numbered>({ name: 'talk' });
      const { commit } = IDBTransaction.prototype;
      IDBTransaction.prototype.commit = function (this: IDBTransaction) {
        commit.call(this);
        IDBTransaction.prototype.commit = commit;
        throw new DOMException('The connection was closed', 'InvalidStateError');
      };
      await sink.append([{ position: 1, entry: { n: 1 } }]);
      const other = new window.rx.IndexedDbSink<Numbered>({ name: 'talk' });
      const again = await window.failure(other.append([{ position: 1, entry: { n: 1 } }]));
      await other.append([{ position: 2, entry: { n: 0 } }]);
      await other.close();
      window.connections.forEach((connection) => connection.close());
      const taken = await window.failure(sink.append([{ position: 2, entry: { n: 2 } }]));
      return [again.code, taken.code, await sink.last()];
    });
    expect(found).toEqual(['ERR_POSITION_CONFLICT', 'ERR_POSITION_CONFLICT', 2]);
    expect(await storedIn(page)).toEqual([
      [1, 1],
      [2, 0],
    ]);
  }, 30_000);

  test.each(['close', 'versionchange'])(
    'that is said to be lost (%s) does not use up the second try of a batch',
    async (type) => {
      const flushed = await page.evaluate(async (type) => {
        const scrivener = await window.rx.openIndexedDbScrivener<Numbered>({ name: 'talk' });
        await scrivener.whenFlushed(await scrivener.write({ n: 1 }));
        const connection = window.connections.at(-1)!;
        connection.close();
        connection.dispatchEvent(new Event(type));
        const { transaction } = IDBDatabase.prototype;
        let tries = 0;
        IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...args) {
          const made = transaction.apply(this, args);
          if (args[1] === 'readwrite' && ++tries === 1) throw new DOMException('It is closed', 'InvalidStateError');
          return made;
        };
        await scrivener.whenFlushed(await scrivener.write({ n: 2 }));
        return [scrivener.flushed, tries];
      }, type);
      expect(flushed).toEqual([2, 2]);
    },
    30_000,
  );

  test('that is lost again and again fails the flusher, which says so once; `reopen` continues', async () => {
    const found = await page.evaluate(async () => {
      const { failure } = window;
      const scrivener = await window.rx.openIndexedDbScrivener({ name: 'talk' });
      await scrivener.whenFlushed(await scrivener.write({ n: 1 }));
      const early = await failure(scrivener.reopen());
      const { transaction } = IDBDatabase.prototype;
      let tries = 0;
      IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...args) {
        if (args[1] === 'readwrite' && ++tries < 5) throw new DOMException('It is closed', 'InvalidStateError');
        return transaction.apply(this, args);
      };
      await scrivener.write({ n: 2 });
      const errors = [await failure(scrivener.flush()), await failure(scrivener.whenFlushed(2))];
      await scrivener.write({ n: 3 });
      const triesThen = tries;
      await scrivener.reopen();
      await scrivener.write({ n: 4 });
      errors.push(await failure(scrivener.flush()));
      await scrivener.reopen();
      const again = scrivener.flusher.status;
      await scrivener.flush();
      await scrivener.close();
      const late = await failure(scrivener.reopen());
      return { early, errors: errors.map(({ name }) => name), triesThen, again, flushed: scrivener.flushed, late };
    });
    expect(found).toMatchObject({
      early: { code: 'ERR_INVALID_TRANSITION' },
      errors: ['InvalidStateError', 'InvalidStateError', 'InvalidStateError'],
      triesThen: 2,
      again: 'Running',
      flushed: 4,
      late: { code: 'ERR_JOURNAL_CLOSED' },
    });
    expect(await storedIn(page)).toEqual([1, 2, 3, 4].map((n) => [n, n]));
    expect(warnings).toHaveLength(2);
    for (const warning of warnings) {
      expect(warning).toMatch(/^SCRIVENER_NOT_FLUSHED: .*indexeddb:talk.* after position 1 .*InvalidStateError/);
    }
  }, 30_000);

  test.each(['by the user', 'by another tab', 'its entries alone'])(
    'to site data that were cleared %s: it is reported, what is in memory stays, and `reopen` writes it again',
    async (who) => {
      await page.evaluate(async () => {
        const scrivener = await window.rx.openIndexedDbScrivener<Numbered>({ name: 'talk' });
        window.scrivener = scrivener;
        for (let n = 1; n <= 3; n++) scrivener.append({ n });
        await scrivener.flush();
      });
      if (who === 'by the user') {
        const devTools = await context.newCDPSession(page);
        await devTools.send('Storage.clearDataForOrigin', { origin: ORIGIN, storageTypes: 'indexeddb' });
      } else if (who === 'by another tab') {
        const other = await context.newPage();
        await other.goto(`${ORIGIN}/`);
        await other.evaluate(
          () =>
            new Promise((resolve, reject) => {
              const request = indexedDB.deleteDatabase('talk');
              request.onsuccess = resolve;
              request.onerror = request.onblocked = reject;
            }),
        );
      } else {
        await page.evaluate(() =>
          window.meddle('talk', undefined, undefined, (database) => {
            const transaction = database.transaction('entries', 'readwrite');
            transaction.objectStore('entries').clear();
            return transaction;
          }),
        );
      }
      const lost = await page.evaluate(async () => {
        const { scrivener } = window;
        const position = await scrivener.write({ n: 4 });
        const error = await window.failure(scrivener.whenFlushed(position));
        await scrivener.write({ n: 5 });
        const kept = (await window.rx.lastEntries(scrivener, 10)).map(({ entry }) => entry.n);
        return { error, kept, status: scrivener.flusher.status };
      });
      expect(lost).toMatchObject({ error: { code: 'ERR_JOURNAL_LOST' }, kept: [1, 2, 3, 4, 5], status: 'Failed' });
      expect(lost.error.message).toContain('ended at position 3, and ends at 0');
      expect(await storedIn(page)).toEqual([]);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toMatch(/^SCRIVENER_NOT_FLUSHED: .*indexeddb:talk.* after position 0 .*cleared/);

      const after = await page.evaluate(async () => {
        const { scrivener } = window;
        await scrivener.reopen();
        await scrivener.write({ n: 6 });
        await scrivener.flush();
        const { flushed } = scrivener;
        await scrivener.close();
        const again = await window.rx.openIndexedDbScrivener<Numbered>({ name: 'talk' });
        await again.close();
        return [flushed, again.recovered.entries];
      });
      expect(after).toEqual([6, 6]);
      expect(await storedIn(page)).toEqual([1, 2, 3, 4, 5, 6].map((n) => [n, n]));
    },
    30_000,
  );

  const LARGE = 600_000;

  test('a full quota is reported with a message, and `reopen` continues when there is room', async () => {
    await setQuota(context, page, LARGE);
    const full = await page.evaluate(async (length) => {
      const scrivener = await window.rx.openIndexedDbScrivener<Numbered>({ name: 'talk' });
      window.scrivener = scrivener;
      await scrivener.whenFlushed(await scrivener.write({ n: 1 }));
      await scrivener.write({ n: 2, text: 'x'.repeat(length) });
      const error = await window.failure(scrivener.flush());
      await scrivener.write({ n: 3 });
      return error;
    }, LARGE);
    expect(full).toMatchObject({ name: 'QuotaExceededError' });
    expect(full.message).toContain('no room for the journal talk from position 2 on');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/after position 1 .*QuotaExceededError/);
    await setQuota(context, page);
    await page.evaluate(async () => {
      const { scrivener } = window;
      await scrivener.reopen();
      await scrivener.close();
    });
    expect(await storedIn(page)).toEqual([1, 2, 3].map((n) => [n, n]));
  }, 30_000);

  test('with `retry` a full quota is waited out, and given up when that is used up', async () => {
    await setQuota(context, page, LARGE);
    await page.evaluate(async (length) => {
      const scrivener = await window.rx.openIndexedDbScrivener<Numbered>({ name: 'talk', retry: { delay: 20 } });
      window.scrivener = scrivener;
      await scrivener.write({ n: 1, text: 'x'.repeat(length) });
      const flushing = scrivener.flush();
      const refused = scrivener.daemonEvents.waitFor(0, ({ type }) => type === 'FailureOccurred');
      await Promise.race([flushing, refused]);
    }, LARGE);
    expect(await storedIn(page)).toEqual([]);
    // Once, however often it is tried again.
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^SCRIVENER_NOT_FLUSHED: .*after position 0 .*QuotaExceededError.*it is retried/);
    await setQuota(context, page);
    const given = await page.evaluate(async () => {
      const { scrivener } = window;
      await scrivener.flush();
      const { status } = scrivener.flusher;
      await scrivener.close();
      const impatient = await window.rx.openIndexedDbScrivener<Numbered>({
        name: 'talk',
        retry: { count: 2, delay: 1 },
      });
      const { add } = IDBObjectStore.prototype;
      let tries = 0;
      IDBObjectStore.prototype.add = function () {
        tries++;
        throw new DOMException('', 'QuotaExceededError');
      };
      await impatient.write({ n: 2 });
      const error = await window.failure(impatient.flush());
      IDBObjectStore.prototype.add = add;
      await impatient.reopen();
      await impatient.close();
      return [status, error.code, tries];
    });
    expect(given).toEqual(['Running', 'ERR_FLUSH_ABANDONED', 3]);
    expect(warnings).toHaveLength(2);
    expect(warnings[1]).toMatch(/after position 1 /);
    expect(await storedIn(page)).toEqual([1, 2].map((n) => [n, n]));
  }, 30_000);

  test.each([
    'of another version',
    'without a store',
    'with another store',
    'with one store more',
    'with keys in its values',
    'that counts',
  ])(
    "a database %s is somebody else's: it is reported at the opening, and left unchanged",
    async (kind) => {
      const found = await page.evaluate(async (kind) => {
        const stores =
          kind === 'with another store'
            ? ['boxes']
            : kind === 'with one store more'
              ? ['entries', 'boxes']
              : ['entries'];
        const options = { 'with keys in its values': { keyPath: 'id' }, 'that counts': { autoIncrement: true } }[kind];
        await window.meddle('talk', kind === 'of another version' ? 3 : 1, (database) => {
          if (kind !== 'without a store') for (const store of stores) database.createObjectStore(store, options);
        });
        const { rx, failure } = window;
        const before = await indexedDB.databases();
        const errors = [
          await failure(rx.openIndexedDbScrivener({ name: 'talk' })),
          await failure(rx.openIndexedDbScrivener({ name: 'talk' })),
          await failure(new rx.IndexedDbSink({ name: 'talk' }).append([{ position: 1, entry: 1 }])),
        ];
        return { errors, same: JSON.stringify(before) === JSON.stringify(await indexedDB.databases()) };
      }, kind);
      for (const error of found.errors) {
        expect(error).toMatchObject({
          code: 'ERR_JOURNAL_MISMATCH',
          message: expect.stringContaining('talk') as string,
        });
      }
      expect(found.same).toBe(true);
    },
    30_000,
  );

  test('a database that somebody else takes over while the journal is open is left to them', async () => {
    const error = await page.evaluate(async () => {
      const scrivener = await window.rx.openIndexedDbScrivener({ name: 'talk' });
      await window.meddle('talk', 2, () => undefined);
      await scrivener.write({ n: 1 });
      return window.failure(scrivener.flush());
    });
    expect(error).toMatchObject({ code: 'ERR_JOURNAL_MISMATCH' });
  }, 30_000);

  test("somebody else's database is one no longer when it is gone", async () => {
    const found = await page.evaluate(async () => {
      const { rx, failure } = window;
      await window.meddle('rx-scrivener-bookmarks', 2, () => undefined);
      const bookmarks = new rx.IndexedDbBookmarkStore('ann');
      const refused = [await failure(bookmarks.load()), await failure(bookmarks.save(1))];
      await new Promise((resolve) => {
        indexedDB.deleteDatabase('rx-scrivener-bookmarks').onsuccess = resolve;
      });
      await bookmarks.save(7);
      return [...refused.map(({ code }) => code), await bookmarks.load()];
    });
    expect(found).toEqual(['ERR_JOURNAL_MISMATCH', 'ERR_JOURNAL_MISMATCH', 7]);
  }, 30_000);

  test('a tail of what is flushed continues after `reopen`, and `head$` and `first` are those of the journal', async () => {
    const found = await page.evaluate(async () => {
      const scrivener = await window.rx.openIndexedDbScrivener<Numbered>({ name: 'talk' });
      const heads: number[] = [];
      scrivener.head$.subscribe((head) => heads.push(head));
      const { add } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.add = function () {
        throw new DOMException('', 'QuotaExceededError');
      };
      await scrivener.write({ n: 1 });
      const { name } = await window.failure(scrivener.flush());
      IDBObjectStore.prototype.add = add;
      await scrivener.reopen();
      await scrivener.write({ n: 2 });
      const told: number[] = [];
      for await (const { position } of scrivener.tail('oldest', { flushed: true })) {
        told.push(position);
        if (scrivener.flushed < position) told.push(NaN);
        if (position === 2) break;
      }
      await scrivener.close();
      return { name, heads, told, first: scrivener.first, head: scrivener.head };
    });
    expect(found).toEqual({ name: 'QuotaExceededError', heads: [0, 1, 2], told: [1, 2], first: 1, head: 2 });
  }, 30_000);
});
