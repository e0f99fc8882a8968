import { describeInBrowser, openPage } from './support/browser';
import { indexedDbPage, type Numbered } from './support/indexed-db-page';

describeInBrowser('A bookmark in IndexedDB', (browser) => {
  const open = () => openPage(browser(), indexedDbPage);

  test('has reading continue after a reload where it was, what is not flushed included', async () => {
    const { context, page } = await open();
    const read = (entries: number) =>
      page.evaluate(async (entries) => {
        const { rx } = window;
        const scrivener = await rx.openIndexedDbScrivener<Numbered>({ name: 'drafts' });
        const handled: number[] = [];
        const bookmarks = new rx.IndexedDbBookmarkStore('drafts-sent');
        const consuming = rx.consume(scrivener, bookmarks, ({ entry }) => void handled.push(entry.n));
        const last = scrivener.head + entries;
        const saved = new Promise<void>((resolve, reject) => {
          consuming.subscribe({ next: (position) => position === last && resolve(), error: reject });
        });
        for (let n = scrivener.head + 1; n <= last; n++) await scrivener.write({ n });
        await scrivener.flush();
        await saved;
        while ((await bookmarks.load()) < last) await new Promise((resolve) => setTimeout(resolve, 5));
        return handled;
      }, entries);
    expect(await read(3)).toEqual([1, 2, 3]);
    await page.reload();
    expect(await read(2)).toEqual([4, 5]);
    await context.close();
  }, 30_000);

  test('is the one saved last, is one for each name, and survives a connection that is closed', async () => {
    const { context, page } = await open();
    const found = await page.evaluate(async () => {
      const { IndexedDbBookmarkStore } = window.rx;
      const [ann, bob] = [new IndexedDbBookmarkStore('ann'), new IndexedDbBookmarkStore('bob')];
      const loaded = [await ann.load()];
      await Promise.all([ann.save(1), ann.save(2), ann.save(7), bob.save(3)]);
      window.connections.at(-2)!.close();
      loaded.push(await ann.load(), await bob.load(), await new IndexedDbBookmarkStore('ann').load());
      window.connections.forEach((connection) => connection.close());
      await ann.save(5);
      loaded.push(await ann.load());
      await window.meddle('rx-scrivener-bookmarks', undefined, undefined, (database) => {
        const transaction = database.transaction('bookmarks', 'readwrite');
        transaction.objectStore('bookmarks').clear();
        return transaction;
      });
      loaded.push(await ann.load());
      return loaded;
    });
    expect(found).toEqual([0, 7, 3, 7, 5, 0]);
    await context.close();
  }, 30_000);

  test('a save that is tried again does not undo a later one', async () => {
    const { context, page } = await open();
    const loaded = await page.evaluate(async () => {
      const bookmarks = new window.rx.IndexedDbBookmarkStore('ann');
      await bookmarks.save(1);
      const { transaction } = IDBDatabase.prototype;
      let tries = 0;
      IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...args) {
        if (++tries === 1) throw new DOMException('It is closed', 'InvalidStateError');
        return transaction.apply(this, args);
      };
      await Promise.all([bookmarks.save(2), bookmarks.save(3)]);
      return bookmarks.load();
    });
    expect(loaded).toBe(3);
    await context.close();
  }, 30_000);

  test('a value that is not a bookmark is reported and left unchanged; a wrong name or position is refused, too', async () => {
    const { context, page } = await open();
    const found = await page.evaluate(async () => {
      const { rx, failure } = window;
      const bookmarks = new rx.IndexedDbBookmarkStore('ann');
      await bookmarks.save(1);
      const codes = [];
      for (const value of ['7', -1, 1.5, { position: 7 }, null]) {
        await window.meddle('rx-scrivener-bookmarks', undefined, undefined, (database) => {
          const transaction = database.transaction('bookmarks', 'readwrite');
          transaction.objectStore('bookmarks').put(value, 'ann');
          return transaction;
        });
        codes.push((await failure(bookmarks.load())).code);
      }
      const { message } = await failure(bookmarks.load());
      const positions = [await failure(bookmarks.save(-1)), await failure(bookmarks.save(0.5))];
      const names = [undefined, '', 7].map((name) => {
        try {
          new rx.IndexedDbBookmarkStore(name as never);
          return 'taken';
        } catch (error) {
          return String(error);
        }
      });
      return { codes, message, positions: positions.map(({ name }) => name), names };
    });
    expect(new Set(found.codes)).toEqual(new Set(['ERR_CORRUPT_BOOKMARK']));
    expect(found.message).toContain('indexeddb:rx-scrivener-bookmarks/ann');
    expect(found.positions).toEqual(['RangeError', 'RangeError']);
    expect(found.names).toEqual(
      ['undefined', '""', '7'].map((got) => `TypeError: Expected \`name\` to be a text that is not empty, got ${got}`),
    );
    await context.close();
  }, 30_000);
});
