import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium, type Browser, type Page } from 'playwright-core';
import { InMemoryScrivener } from 'rx-scrivener';
import { journalHandler, nodeListener, type RemoteScrivener } from 'rx-scrivener/http';
import { ARGS, chromiumPath, describeInBrowser } from './support/browser';
import { bundle } from './support/bundle';

interface Said {
  readonly text: string;
}

declare global {
  interface Window {
    openRemote(): Promise<void>;
    remote: RemoteScrivener<Said>;
    /** What the page has read. */
    got: string[];
    /** For each write whether it outlasts the page. */
    outlasting: boolean[];
    /** Whether the page was kept by the browser, and shown again. */
    wasKept: boolean;
  }
}

const script = bundle(`
  import { openRemoteScrivener } from 'rx-scrivener/http';
  window.got = [];
  window.addEventListener('pageshow', ({ persisted }) => (window.wasKept = persisted));
  const { fetch } = window;
  window.outlasting = [];
  window.fetch = (url, init) => {
    if (init.method === 'POST') window.outlasting.push(init.keepalive === true);
    return fetch(url, init);
  };
  window.openRemote = async () => {
    window.remote = await openRemoteScrivener({ url: '/journal' });
    await new Promise((caughtUp) => {
      window.remote.tail(0, { caughtUp }).subscribe(({ position, entry }) => window.got.push(position + ' ' + entry.text));
    });
  };
`);

jest.setTimeout(120_000);

describeInBrowser('A page that goes away', () => {
  let journal: InMemoryScrivener<Said>;
  let server: Server;
  let origin: string;
  let browser: Browser;
  let page: Page;

  beforeEach(async () => {
    journal = new InMemoryScrivener();
    const listener = nodeListener(journalHandler(journal, { authorize: 'public' }));
    server = createServer((request, response) => {
      if (request.url?.startsWith('/journal')) return listener(request, response);
      const isScript = request.url?.endsWith('.js');
      response.writeHead(200, { 'Content-Type': isScript ? 'text/javascript' : 'text/html' });
      response.end(isScript ? script : '<!doctype html><title>spec</title><script src="/spec.js"></script>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({
      executablePath: chromiumPath ?? 'chromium',
      args: ARGS.split(' '),
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
    });
    page = await browser.newPage();
    await page.goto(`${origin}/`);
    await page.evaluate(() => window.openRemote());
  });
  afterEach(async () => {
    await browser.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test('has its last write sent', async () => {
    await page.evaluate(() => {
      void window.remote.write({ text: 'last' });
      setTimeout(() => (location.href = '/other'), 0);
    });
    const { entry } = await journal.waitFor(0, () => true, { timeout: 30_000 });
    expect(entry).toEqual({ text: 'last' });
  });

  test('has only small writes outlast it, because browsers send no more than 64 KiB of them', async () => {
    const outlasting = await page.evaluate(async () => {
      await window.remote.write({ text: 'small' });
      await window.remote.write({ text: 'x'.repeat(70_000) });
      return window.outlasting;
    });
    expect(outlasting).toEqual([true, false]);
    expect(journal.head).toBe(2);
  });

  test('is kept as it was, though it tails, and continues without a gap when it is back', async () => {
    journal.append({ text: 'before' });
    await page.waitForFunction(() => window.got.length === 1);
    await page.goto(`${origin}/other`);
    // A browser that finds a request open lets it be for a while, and then drops the page.
    while (journal.observed) await new Promise((resolve) => setTimeout(resolve, 5));
    journal.append({ text: 'meanwhile' });
    await page.goBack({ waitUntil: 'commit' }); // a page that was kept is not loaded again
    await page.waitForFunction(() => window.got.length === 2);
    expect(await page.evaluate(() => [window.wasKept, window.got])).toEqual([true, ['1 before', '2 meanwhile']]);
    journal.append({ text: 'after' });
    await page.waitForFunction(() => window.got.length === 3);
    expect(await page.evaluate(() => window.remote.write({ text: 'written' }))).toBe(4);
  });
});
