import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { InMemoryScrivener } from 'rx-scrivener';
import { journalHandler, nodeListener, type RemoteScrivener } from 'rx-scrivener/http';
import { ARGS, chromiumPath, describeInBrowser } from './support/browser';
import { bundle } from './support/bundle';

interface Said {
  readonly text: string;
}

declare global {
  interface Window {
    openShared(): Promise<void>;
    shared: RemoteScrivener<Said>;
    /** What the tab has read. */
    heard: string[];
  }
}

const script = bundle(`
  import { openRemoteScrivener } from 'rx-scrivener/http';
  window.heard = [];
  window.openShared = async () => {
    window.shared = await openRemoteScrivener({ url: '/journal', shareBetweenTabs: 'ann' });
    await new Promise((caughtUp) => {
      window.shared.tail(0, { caughtUp }).subscribe(({ position, entry }) => window.heard.push(position + ' ' + entry.text));
    });
  };
`);

jest.setTimeout(120_000);

describeInBrowser('Tabs that share a connection', () => {
  let journal: InMemoryScrivener<Said>;
  let server: Server;
  let browser: Browser;
  let context: BrowserContext;
  let pages: Page[];
  /** The tails that are open at the server. */
  let tails: number;

  beforeEach(async () => {
    journal = new InMemoryScrivener();
    tails = 0;
    const listener = nodeListener(journalHandler(journal, { authorize: 'public', heartbeatMs: 1_000 }));
    server = createServer((request, response) => {
      if (request.url?.startsWith('/journal')) {
        if (request.url.includes('after=')) {
          tails++;
          response.once('close', () => tails--);
        }
        return listener(request, response);
      }
      const isScript = request.url?.endsWith('.js');
      response.writeHead(200, { 'Content-Type': isScript ? 'text/javascript' : 'text/html' });
      response.end(isScript ? script : '<!doctype html><title>spec</title><script src="/spec.js"></script>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    browser = await chromium.launch({ executablePath: chromiumPath ?? 'chromium', args: ARGS.split(' ') });
    context = await browser.newContext();
    pages = [];
    for (let tab = 0; tab < 10; tab++) {
      const page = await context.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await page.evaluate(() => window.openShared());
      pages.push(page);
    }
  });
  afterEach(async () => {
    await browser.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

  /** Each of the tabs writes, and each of them hears all. */
  async function talk(tabs: readonly Page[]): Promise<void> {
    const before = journal.head;
    await Promise.all(tabs.map((page, tab) => page.evaluate((text) => window.shared.write({ text }), `from ${tab}`)));
    expect(journal.head).toBe(before + tabs.length);
    for (const page of tabs) {
      await page.waitForFunction((count) => window.heard.length >= count, journal.head);
      const heard = await page.evaluate(() => window.heard);
      expect(heard.map((line) => parseInt(line, 10))).toEqual(upTo(journal.head));
    }
  }

  /** Which tab has the connection, as `page` sees it. */
  const holderId = (page: Page) =>
    page.evaluate(async () => (await navigator.locks.query()).held!.map(({ clientId }) => clientId).join());

  async function holder(): Promise<Page> {
    const held = await holderId(pages[0]!);
    for (const page of pages) {
      // A lock's own id tells its tab.
      const own = await page.evaluate(
        () =>
          new Promise((resolve) => {
            void navigator.locks.request('who', async () => {
              const { held } = await navigator.locks.query();
              resolve(held!.find(({ name }) => name === 'who')!.clientId);
            });
          }),
      );
      if (own === held) return page;
    }
    throw new Error('No tab has the lock');
  }

  test('ten over HTTP/1.1 are live and write, also when the one that has the connection is closed', async () => {
    await until(() => tails === 1);
    await talk(pages);
    expect(tails).toBe(1);
    const first = await holder();
    await first.close();
    pages = pages.filter((page) => page !== first);
    await talk(pages);
    await until(() => tails === 1);
  });

  test('another takes over from one that is frozen, which misses nothing when it continues', async () => {
    await until(() => tails === 1);
    const first = await holder();
    const others = pages.filter((page) => page !== first);
    const before = await holderId(others[0]!);
    // Its page does nothing any more, and answers nobody.
    const frozen = first.evaluate(() => {
      for (const end = Date.now() + 20_000; Date.now() < end;);
    });
    await talk(others);
    expect(await holderId(others[0]!)).not.toBe(before);
    await frozen;
    await first.waitForFunction((count) => window.heard.length >= count, journal.head);
    await talk(pages);
    await until(() => tails === 1);
  });
});
