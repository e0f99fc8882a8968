import { source as axeSource, type AxeResults } from 'axe-core';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { openFileScrivener, openJournalFolder } from 'rx-scrivener/file';
import { journalHandler, nodeListener } from 'rx-scrivener/http';
import { ViewerServer } from '../../lib/cli/viewer/viewer-server';
import { ROOT } from '../examples/installed-package';
import { useTempDir } from '../file/support/temp-dir';
import { describeInBrowser, openPage } from './support/browser';

jest.setTimeout(120_000);

const said = (position: number) => {
  const entry = { type: position % 2 ? 'Said' : 'Asked', at: new Date(1.7e12 + position).toISOString(), n: position };
  return `${JSON.stringify({ schemaVersion: '1', position, entry })}\n`;
};
const lines = (count: number) => Array.from({ length: count }, (_, i) => said(i + 1)).join('');

describeInBrowser('The viewer', (browser) => {
  const path = useTempDir();
  const page = execFileSync(process.execPath, [join(ROOT, 'scripts/viewer-page.mjs')], { encoding: 'utf8' });
  let server: ViewerServer | undefined;
  let tab: Page;
  let errors: string[];

  beforeEach(async () => {
    errors = [];
    const context = await browser().newContext({ viewport: { width: 1_200, height: 720 } });
    tab = await context.newPage();
    tab.setDefaultTimeout(20_000);
    tab.on('pageerror', (error) => errors.push(String(error)));
    tab.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  });
  afterEach(async () => {
    await tab.context().close();
    await server?.close();
    server = undefined;
    expect(errors).toEqual([]);
  });

  async function open(text: string, isFolder = false): Promise<void> {
    const file = path('talk.ndjson');
    await writeFile(file, text);
    server = new ViewerServer({ target: isFolder ? dirname(file) : file, isFolder, port: 0, page });
    await server.start();
    await tab.goto(server.url);
  }

  const row = (position: number) =>
    tab.getByRole('option').filter({ has: tab.locator('.position', { hasText: new RegExp(`^${position}$`) }) });
  /** Two frames: by then the list shows what the page has been told. */
  const frames = () =>
    tab.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const selected = () => tab.locator('[aria-selected=true] .position').textContent();

  test('shows the end of a long file, of which only what is on the screen is in the page, and any place of it', async () => {
    await open(lines(200_000));
    await row(200_000).waitFor();
    expect(await tab.locator('.figures').textContent()).toContain('200,000 entries');
    expect(await tab.locator('.row').count()).toBeLessThan(60);
    await tab.keyboard.press('g');
    await tab.keyboard.type('123456');
    await tab.keyboard.press('Enter');
    await row(123_456).waitFor();
    expect(await selected()).toBe('123456');
    await tab.keyboard.press('Home');
    await row(1).waitFor();
    await tab.keyboard.press('PageDown');
    await tab.keyboard.press('ArrowUp');
    await tab.keyboard.press('End');
    await row(200_000).waitFor();
    await tab.keyboard.press('Enter');
    await tab.getByRole('heading', { name: 'position 200000' }).waitFor();
    expect(await tab.locator('aside .leaf').last().textContent()).toBe('n: 200000');
    await tab.keyboard.press('Escape');
    expect(await tab.locator('aside').isHidden()).toBe(true);
  });

  test('a key that is pressed just after the list has moved is not undone by that', async () => {
    await open(lines(1_000));
    await row(1_000).waitFor();
    await tab.locator('.list').focus();
    await tab.keyboard.press('Home');
    await row(1).waitFor();
    await tab.locator('.list').evaluate(async (list) => {
      const press = (key: string) => list.dispatchEvent(new KeyboardEvent('keydown', { key }));
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      press('End');
      // After it is drawn, before the browser tells of its scrolling.
      await new Promise<void>((resolve) => {
        requestAnimationFrame(() => {
          press('Home');
          resolve();
        });
      });
      for (let i = 0; i < 4; i++) await frame();
    });
    expect(await row(1).count()).toBe(1);
  });

  test('follows a writer, or stays where it is', async () => {
    await open(lines(1_000));
    await row(1_000).waitFor();
    await appendFile(path('talk.ndjson'), said(1_001));
    await row(1_001).waitFor();
    await tab.getByRole('button', { name: 'Follow' }).click();
    await appendFile(path('talk.ndjson'), said(1_002) + said(1_003));
    await tab.getByText('1,003 entries').waitFor();
    await frames();
    expect(await row(1_003).count()).toBe(0);
    await tab.getByRole('button', { name: 'Follow' }).click();
    await row(1_003).waitFor();
  });

  test('rows stay on the screen while what has been added to them is on its way', async () => {
    await open(lines(1_020));
    await row(1_020).waitFor();
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    await tab.route('**/api/rows?*', async (route) => {
      await released;
      await route.continue();
    });
    await appendFile(path('talk.ndjson'), said(1_021));
    await tab.getByText('1,021 entries').waitFor();
    await frames();
    expect(await row(1_020).count()).toBe(1);
    release();
    await row(1_021).waitFor();
  });

  test('shows what is new though more has come with each answer', async () => {
    await open(lines(1_020));
    await row(1_020).waitFor();
    let count = 1_020;
    await tab.route('**/api/rows?*', async (route) => {
      const response = await route.fetch();
      await appendFile(path('talk.ndjson'), said(++count));
      await tab.getByText(`${count.toLocaleString('en')} entries`).waitFor();
      await route.fulfill({ response });
    });
    await appendFile(path('talk.ndjson'), said(++count));
    await row(1_021).waitFor();
    await tab.unrouteAll({ behavior: 'wait' });
    await row(count).waitFor();
  });

  test('is shown in more tabs than a browser opens connections: those that are hidden have none', async () => {
    await open(lines(50));
    await row(50).waitFor();
    const turn = (page: Page, to: 'hidden' | 'visible') =>
      page.evaluate((state) => {
        Object.defineProperty(document, 'visibilityState', { configurable: true, value: state });
        document.dispatchEvent(new Event('visibilitychange'));
      }, to);
    await turn(tab, 'hidden');
    for (let i = 0; i < 6; i++) {
      const other = await tab.context().newPage();
      await other.goto(server!.url);
      await other.getByText('50 entries').waitFor();
      await turn(other, 'hidden');
    }
    await appendFile(path('talk.ndjson'), said(51));
    await turn(tab, 'visible');
    await row(51).waitFor();
  });

  test('finds the damaged line, and says where it is', async () => {
    const before = lines(5_000);
    await open(`${before}{"broken\n${lines(9_000).slice(lines(5_001).length)}`);
    await row(9_000).waitFor();
    await tab.getByRole('button', { name: 'Damage' }).click();
    await tab.getByRole('status').filter({ hasText: '1 found' }).waitFor();
    const where = `line 5001 (byte ${Buffer.byteLength(before)}): it is not JSON`;
    expect(await tab.locator('.row').allTextContents()).toEqual([expect.stringContaining(where)]);
  });

  test('searches, also what comes later, and shows the difference between two entries', async () => {
    await open(lines(50));
    await row(50).waitFor();
    await tab.keyboard.press('/');
    await tab.keyboard.type('type:Asked after:44');
    await tab.keyboard.press('Enter');
    await tab.getByRole('status').filter({ hasText: '3 found' }).waitFor();
    await appendFile(path('talk.ndjson'), said(51) + said(52));
    await row(52).waitFor();
    expect(await tab.locator('.position').allTextContents()).toEqual(['46', '48', '50', '52']);
    await row(46).click();
    await tab.getByRole('button', { name: 'Compare' }).click();
    await row(48).click();
    await tab.getByText('n: 46 → 48').waitFor();
  });

  test('a line that comes in two parts is searched again when it is whole', async () => {
    await open(lines(50));
    await row(50).waitFor();
    await tab.keyboard.press('/');
    await tab.keyboard.type('after:49');
    await tab.keyboard.press('Enter');
    await tab.getByRole('status').filter({ hasText: '1 found' }).waitFor();
    await appendFile(path('talk.ndjson'), said(51).slice(0, 10));
    await tab.locator('.row.damage').waitFor();
    await appendFile(path('talk.ndjson'), said(51).slice(10));
    await row(51).waitFor();
    expect(await tab.locator('.row').count()).toBe(2);
    expect(await tab.locator('.row.damage').count()).toBe(0);
    // What was no match as a half line is one as a whole.
    await tab.getByRole('searchbox', { name: 'Search' }).fill('type:Asked after:49');
    await tab.keyboard.press('Enter');
    await tab.getByRole('status').filter({ hasText: '1 found' }).waitFor();
    await appendFile(path('talk.ndjson'), said(52).slice(0, 10));
    await tab.getByText('52 entries').waitFor();
    await appendFile(path('talk.ndjson'), said(52).slice(10));
    await row(52).waitFor();
    expect(await tab.locator('.position').allTextContents()).toEqual(['50', '52']);
  });

  test('a search that fails says so, and what comes later is searched all the same', async () => {
    await open(lines(50));
    await row(50).waitFor();
    await tab.keyboard.press('/');
    await tab.getByRole('searchbox', { name: 'Search' }).fill('a'.repeat(20_000));
    await tab.keyboard.press('Enter');
    const status = tab.getByRole('status');
    await status.filter({ hasText: '0 found, and the search failed: 431' }).waitFor();
    await tab.route('**/api/search?*', (route) => route.fulfill({ status: 500, json: { error: 'no disk' } }), {
      times: 1,
    });
    await tab.getByRole('searchbox', { name: 'Search' }).fill('type:Asked');
    await tab.keyboard.press('Enter');
    await status.filter({ hasText: '0 found, and the search failed: no disk' }).waitFor();
    await appendFile(path('talk.ndjson'), said(51) + said(52));
    await row(52).waitFor();
    expect(errors.splice(0)).toEqual([expect.stringContaining('431'), expect.stringContaining('500')]);
  });

  test('a span of the time line is chosen with the pointer, and searched alone', async () => {
    await open(lines(1_000));
    await row(1_000).waitFor();
    await tab.locator('.brush').waitFor();
    const brush = (await tab.locator('.brush').boundingBox())!;
    const at = (part: number) => [brush.x + brush.width * part, brush.y + 20] as const;
    await tab.mouse.move(...at(0.25));
    await tab.mouse.down();
    await tab.mouse.move(...at(0.5));
    await tab.mouse.up();
    await tab.locator('.figures', { hasText: '250 of 1,000 entries' }).waitFor();
    await row(251).waitFor();
    expect(await tab.locator('.position').first().textContent()).toBe('251');
    await tab.keyboard.press('/');
    await tab.keyboard.type('type:Asked');
    await tab.keyboard.press('Enter');
    await tab.getByRole('status').filter({ hasText: '125 found' }).waitFor();
    await tab.getByRole('button', { name: 'All times' }).click();
    await tab.getByRole('status').filter({ hasText: '500 found' }).waitFor();
    // A click jumps there, among all entries.
    await tab.mouse.click(...at(0.5));
    await row(501).waitFor();
    await tab.locator('.figures', { hasText: /^1,000 entries/ }).waitFor();
  });

  test('a span is chosen with the keyboard, and follows what comes when it is open', async () => {
    await open(lines(1_200));
    await row(1_200).waitFor();
    await tab.locator('.brush').waitFor();
    await tab.locator('.list').focus();
    await tab.keyboard.press('t');
    await tab.keyboard.press('End');
    await tab.keyboard.press('PageDown');
    await tab.locator('.figures', { hasText: '110 of 1,200 entries' }).waitFor();
    expect(await tab.getByRole('slider', { name: 'From' }).getAttribute('aria-valuenow')).toBe('109');
    await appendFile(path('talk.ndjson'), said(1_201));
    await row(1_201).waitFor();
    await tab.keyboard.press('Escape');
    await tab.locator('.figures', { hasText: /^1,201 entries/ }).waitFor();
  });

  test('types are chosen, and several are shown together', async () => {
    await open(`${lines(20)}${JSON.stringify({ schemaVersion: '1', position: 21, entry: { type: 'Left' } })}\n`);
    const types = tab.getByRole('group', { name: 'Types to show' });
    await types.getByRole('button', { name: 'Left' }).click();
    await tab.getByRole('status').filter({ hasText: '1 found' }).waitFor();
    await types.getByRole('button', { name: 'Said' }).click();
    await tab.getByRole('status').filter({ hasText: '11 found' }).waitFor();
    await types.getByRole('button', { name: 'Said' }).click();
    await types.getByRole('button', { name: 'Left' }).click();
    await row(20).waitFor();
  });

  test('the field that says when an entry was written is found, and another one can be chosen', async () => {
    const entry = (n: number) => ({ meta: { begun: 1.7e12 + n * 1_000, ended: 1.8e12 + n * 1_000 }, n });
    await open([1, 2, 3].map((n) => `${JSON.stringify(entry(n))}\n`).join(''));
    await tab.locator('.time', { hasText: '22:13:23.000' }).waitFor();
    await tab.getByRole('combobox', { name: 'Time of an entry' }).selectOption('Time: meta.ended');
    await tab.locator('.time', { hasText: '08:00:03.000' }).waitFor();
    await tab.getByRole('combobox', { name: 'Time of an entry' }).selectOption('Time: none');
    await tab.locator('.times').waitFor({ state: 'hidden' });
    expect(await tab.locator('.row .time').count()).toBe(0);
  });

  test('a journal that is rotated for the first time is still shown from its beginning', async () => {
    const scrivener = await openFileScrivener<number>({ filePath: path('talk.ndjson'), rotation: { maxBytes: 1_000 } });
    await scrivener.write(1);
    await scrivener.flush();
    server = new ViewerServer({ target: path('talk.ndjson'), isFolder: false, port: 0, page });
    await server.start();
    await tab.goto(server.url);
    await row(1).waitFor();
    for (let n = 2; n <= 100; n++) {
      await scrivener.write(n);
      await scrivener.flush();
    }
    await row(100).waitFor();
    await tab.locator('.list').focus();
    await tab.keyboard.press('Home');
    await row(1).waitFor();
    expect(await tab.getByRole('status').textContent()).toBe('');
    await scrivener.close();
  });

  test('of a served journal, what is not flushed yet is marked if its server says so', async () => {
    const config = { filePath: path('talk.ndjson'), flushThreshold: 1_000, flushIntervalMs: Infinity };
    const scrivener = await openFileScrivener<object>(config);
    const handle = journalHandler(scrivener, { authorize: 'public', whenFlushed: async () => undefined });
    const journal = createServer(nodeListener(handle)).listen(0, '127.0.0.1');
    await once(journal, 'listening');
    for (const text of ['wet', 'dry', 'wet']) await scrivener.write({ type: 'Said', text });
    await scrivener.flush();
    const { port } = journal.address() as AddressInfo;
    server = new ViewerServer({ target: `http://127.0.0.1:${port}/`, isFolder: false, port: 0, page });
    await server.start();
    await tab.goto(server.url);
    const marks = () => tab.locator('.row .flushed').allTextContents();
    await tab.locator('.row .flushed').nth(2).waitFor();
    expect(await marks()).toEqual(['flushed', 'flushed', 'flushed']);
    for (const text of ['dry', 'wet']) await scrivener.write({ type: 'Said', text });
    await tab.locator('.figures', { hasText: '5 entries · 2 not flushed' }).waitFor();
    await row(5).waitFor();
    expect(await marks()).toEqual(['flushed', 'flushed', 'flushed', 'not flushed', 'not flushed']);
    await tab.keyboard.press('/');
    await tab.keyboard.type('wet');
    await tab.keyboard.press('Enter');
    await tab.getByRole('status').filter({ hasText: '3 found' }).waitFor();
    await frames();
    expect(await marks()).toEqual(['flushed', 'flushed', 'not flushed']);
    await scrivener.flush();
    await tab.locator('.figures', { hasText: /^5 entries$/ }).waitFor();
    await frames();
    expect(await marks()).toEqual(['flushed', 'flushed', 'flushed']);
    journal.closeAllConnections();
    journal.close();
    await scrivener.close();
  });

  test('the list of a folder shows journals that come, grow and go', async () => {
    await open(lines(7), true);
    const listed = () => tab.locator('tbody tr td:nth-child(-n + 2)').allTextContents();
    await tab.getByRole('cell', { name: '7', exact: true }).waitFor();
    const journals = await openJournalFolder<number>({ folder: path() });
    await journals.journal('Ann/1').write(1);
    await tab.getByRole('link', { name: 'Ann/1' }).waitFor();
    await tab.getByRole('cell', { name: '1', exact: true }).waitFor();
    await appendFile(path('talk.ndjson'), said(8));
    await tab.getByRole('cell', { name: '8', exact: true }).waitFor();
    expect(await listed()).toEqual(['talk.ndjson', '8', 'Ann/1', '1']);
    await rm(path('talk.ndjson'));
    await tab.getByRole('link', { name: 'talk.ndjson' }).waitFor({ state: 'detached' });
    await tab.getByRole('link', { name: 'Ann/1' }).click();
    await row(1).waitFor();
    await tab.getByRole('link', { name: 'All journals' }).click();
    await tab.getByRole('link', { name: 'Ann/1' }).waitFor();
    await journals.close();
  });

  test('lists the journals of a folder, and opens one', async () => {
    await open(lines(7), true);
    await tab.getByRole('link', { name: 'talk.ndjson' }).click();
    await row(7).waitFor();
  });

  test('a journal of a folder that cannot be shown says why, until it can', async () => {
    await open('', true);
    await writeFile(path('talk.ndjson'), gzipSync(lines(1)));
    await tab.getByRole('link', { name: 'talk.ndjson' }).click();
    await tab.getByRole('status').filter({ hasText: 'it is compressed' }).waitFor();
    await writeFile(path('talk.ndjson'), lines(2));
    await row(2).waitFor();
    expect(await tab.getByRole('status').textContent()).toBe('');
    expect(new Set(errors.splice(0))).toEqual(new Set([expect.stringContaining('500')]));
  });

  test('a very long line says that its beginning alone is shown, and copied', async () => {
    const text = 'x'.repeat(2_000_000);
    await open(said(1) + said(2).replace('"n":2', `"text":"${text}"`));
    await tab.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await row(2).click();
    await tab.getByText('only its beginning is shown, and copied').waitFor();
    await tab.locator('.list').focus();
    await tab.keyboard.press('ArrowUp');
    await tab.getByRole('heading', { name: 'position 1' }).waitFor();
    expect(await tab.getByText('only its beginning').count()).toBe(0);
    await tab.keyboard.press('c');
    await tab.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await tab.evaluate(() => navigator.clipboard.readText())).toBe(said(1).trimEnd());
  });

  test('what is typed in a field replaces what was asked for before', async () => {
    await open(lines(300) + said(301).replace('"Said"', '""'));
    await row(301).waitFor();
    for (const [key, name] of [
      ['g', 'Jump to position'],
      ['/', 'Search'],
    ] as const) {
      for (const text of ['120', '7']) {
        await tab.locator('.list').focus();
        await tab.keyboard.press(key);
        await tab.keyboard.type(text);
        expect(await tab.getByLabel(name, { exact: true }).inputValue()).toBe(text);
      }
    }
    // A type without a name has no button.
    await tab.locator('.types').waitFor();
    expect(await tab.locator('.types button').allTextContents()).toEqual(['Asked', 'Said']);
  });

  test('an entry is text, whatever it holds', async () => {
    const entry = { type: '<img src=x onerror=alert(1)>', html: '<script>alert(2)</script>' };
    await open(`${JSON.stringify({ schemaVersion: '1', position: 1, entry })}\n`);
    await tab.locator('.row').click();
    await tab.getByText('html: "<script>alert(2)</script>"').last().waitFor();
    expect(await tab.locator('main img, main script').count()).toBe(0);
  });

  test('a page of another origin reads nothing, though it knows the address', async () => {
    await open(lines(3));
    const other = await openPage(browser(), '');
    const read = await other.page.evaluate(async (url) => {
      const found: string[] = [];
      for (const mode of ['cors', 'no-cors'] as const)
        await fetch(`${url}api/rows?from=1&to=3`, { mode }).then(
          async (response) => found.push(await response.text()),
          () => found.push('refused'),
        );
      return found;
    }, server!.url);
    await other.context.close();
    expect(read).toEqual(['refused', 'refused']);
    const without = await tab.context().request.get(new URL('/', server!.url).href);
    expect(without.status()).toBe(403);
  });

  test.each(['light', 'dark'] as const)(
    'has accessible names and contrast, also at 390 px (%s)',
    async (colorScheme) => {
      await tab.emulateMedia({ colorScheme });
      await open(`${lines(30)}{"broken\n`);
      await tab.locator('.row.damage').waitFor();
      await row(30).click();
      await tab.getByRole('button', { name: 'Compare' }).click();
      await row(29).click();
      await tab.locator('.difference').waitFor();
      await tab.keyboard.press('t');
      await tab.keyboard.press('ArrowRight');
      await tab.getByRole('button', { name: 'All times' }).waitFor();
      for (const width of [1_200, 390]) {
        await tab.setViewportSize({ width, height: 800 });
        // Not as a script element, which the page's policy forbids.
        const { violations } = await tab.evaluate(`${axeSource}; axe.run()`).then((found) => found as AxeResults);
        expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join()}`)).toEqual([]);
        expect(await tab.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      }
    },
  );
});
