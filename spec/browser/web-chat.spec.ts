import { source as axeSource, type AxeResults } from 'axe-core';
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checkpoint, Positioned } from 'rx-scrivener';
import type { ChatEntry } from '../../examples/web-chat/client/src/chat-entry';
import type { Message } from '../../examples/web-chat/client/src/message';
import { typeCheck } from '../docs/type-check';
import { ROOT } from '../examples/installed-package';
import { describeInBrowser } from './support/browser';
import { ChatPage } from './support/chat-page';
import { Network } from './support/network';
import { WebChat } from './support/web-chat';

declare const axe: { run(): Promise<AxeResults> };

jest.setTimeout(120_000);

/** `1 2 3 … n`, which is the agent's answer to `count n`. */
const counted = (n: number) => Array.from({ length: n }, (_, index) => index + 1).join(' ');

/** A journal of so many entries, each of which tells its position. */
const long = (count: number): ChatEntry[] =>
  Array.from({ length: count }, (_, index): ChatEntry => {
    const [at, n] = ['2026-01-02T03:04:05.000Z', index + 1];
    if (n % 10 === 1) return { type: 'Said', at, who: 'Ben', id: String(n), text: `remark ${n}` };
    return n % 10 === 0
      ? { type: 'Answered', at, inReplyTo: n - 9 }
      : { type: 'Chunk', inReplyTo: n - (n % 10) + 1, text: ` ${n}` };
  });

/** So long may a page take to show what is in the file. */
const SETTLED_MS = 10_000;

/** A record as its row shows it. */
function rowOf({ position, entry }: Positioned<ChatEntry>): [number, string, string] {
  switch (entry.type) {
    case 'Said':
      return [position, entry.type, `${entry.who}: ${entry.text}`];
    case 'Chunk':
      return [position, entry.type, entry.text.trimStart()];
    case 'Answered':
      return [position, entry.type, `to ${entry.inReplyTo}`];
    case 'Measured':
      return [position, entry.type, String(entry.value)];
  }
}

test('the server type-checks by its JSDoc', () => {
  const folder = join(ROOT, 'examples/web-chat');
  const files = readdirSync(folder).filter((file) => file.endsWith('.mjs'));
  expect(files.length).toBeGreaterThan(4);
  const texts = new Map(files.map((file) => [join(folder, file), undefined]));
  expect(typeCheck(texts, { allowJs: true, checkJs: true, types: ['node'] })).toEqual([]);
});

describeInBrowser('The web chat', (browser) => {
  let chat: WebChat;
  let tabs: ChatPage[];
  beforeEach(() => {
    chat = new WebChat();
    tabs = [];
  });
  afterEach(async () => {
    const errors = tabs.flatMap((tab) => tab.errors);
    await Promise.all(tabs.map((tab) => tab.close()));
    await chat.remove();
    expect(errors).toEqual([]);
  });

  async function open(height?: number, url = chat.url): Promise<ChatPage> {
    const tab = await ChatPage.open(browser(), url, height);
    tabs.push(tab);
    return tab;
  }

  /** Compares what is in a tab with what is in the file. */
  async function expectWhole(tab: ChatPage): Promise<void> {
    await tab.isSettled();
    let records: typeof chat.records;
    let rows: Awaited<ReturnType<typeof tab.rows>>;
    // Entries may come between reading the file and reading the page.
    const deadline = Date.now() + SETTLED_MS;
    do {
      records = chat.records;
      rows = await tab.rows();
    } while (rows.at(-1)?.[0] !== records.length && Date.now() < deadline);
    expect(records.map(({ position }) => position)).toEqual(records.map((_, index) => index + 1));
    expect(rows.length).toBeGreaterThan(0);
    expect(rows).toEqual(rows.map(([position]) => rowOf(records[position - 1]!)));
    expect(rows.at(-1)![0]).toBe(records.length);
  }

  test('the client type-checks', () => {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', 'examples/web-chat/client'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
  });

  test('two tabs see the same conversation in the same order', async () => {
    await chat.start(1);
    const [ann, ben] = [await open(), await open()];
    await ann.page.getByLabel('You are').fill('Ann');
    await ben.page.getByLabel('You are').fill('Ben');
    for (let n = 1; n <= 4; n++) await Promise.all([ann.say(`ann ${n}`), ben.say(`ben ${n}`)]);
    await ann.say('count 9');
    for (const tab of [ann, ben]) await tab.shows(counted(9));
    await Promise.all([expectWhole(ann), expectWhole(ben)]);
    const seen = await ann.messages();
    expect(seen).toEqual(await ben.messages());
    expect(seen.length).toBe(18);
    const said = chat.records.flatMap(({ position, entry }) =>
      entry.type === 'Said' ? [`${position} ${entry.who}: ${entry.text}`] : [],
    );
    expect(seen.filter((message) => !message.includes('Agent'))).toEqual(said);
    const late = await open();
    await expectWhole(late);
    expect(await late.messages()).toEqual(seen);
  });

  test('the server is killed in the middle of an answer and started again: every tab is whole, and the answer continues', async () => {
    await chat.start(4);
    const [ann, ben] = [await open(), await open()];
    await ann.say('count 600');
    await ben.page.getByText(/ 50 51 /).waitFor();
    await chat.kill();
    for (const tab of [ann, ben]) await tab.isSaidToBe('Reconnecting…');
    const flushed = chat.records.length;
    expect(flushed).toBeLessThan(600);
    await chat.start(1);
    for (const tab of [ann, ben]) {
      await tab.isSaidToBe('Connected');
      await tab.shows(counted(600));
      await expectWhole(tab);
    }
    expect(chat.records.length).toBe(602);
  });

  test('what a crash has lost goes from every tab, and what was not answered is said again, in order', async () => {
    await chat.start(1);
    const [ann, ben] = [await open(), await open()];
    for (let n = 1; n <= 3; n++) {
      for (const text of [`a${n}`, `b${n}`, `c${n}`]) await ann.say(text);
      await ben.page.getByTestId('messages').getByText(`a${n}`, { exact: true }).waitFor();
      await chat.kill();
      await chat.start(1);
      for (const text of [`a${n}`, `b${n}`, `c${n}`]) await ben.shows(text);
    }
    for (const tab of [ann, ben]) await expectWhole(tab);
    expect(await ann.messages()).toEqual(await ben.messages());
    const texts = chat.records.flatMap(({ entry }) => (entry.type === 'Said' ? [entry.text] : []));
    expect(texts).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2', 'a3', 'b3', 'c3']);
    const late = await open();
    await expectWhole(late);
    expect(await late.messages()).toEqual(await ben.messages());
  });

  test('a server that is started anew while the page reads what was said before: the page reads on from the new one', async () => {
    chat.fill(long(4_000));
    await chat.start(1);
    const tab = await open(900);
    await tab.hasFlushed(4_000);
    await tab.page.getByLabel('Search the entries').fill('remark');
    const more = tab.page.getByRole('button', { name: /^Search before entry/ });
    await more.waitFor();
    let held = 0;
    let isHolding = true;
    await tab.page.route(/[?&]before=/, async (route) => {
      if (!isHolding) return route.continue();
      held++;
    });
    const readBack = () =>
      tab.page.evaluate(async () => {
        const list = document.querySelector('[data-testid=messages]')!;
        list.scrollTop = 0;
        await new Promise((resolve) => requestAnimationFrame(resolve));
        return document.querySelector('.beginning')!.textContent;
      });
    await more.click();
    while (held < 2) await readBack();
    isHolding = false;
    await chat.kill();
    await tab.isSaidToBe('Reconnecting…');
    await chat.start(1);
    await tab.isSaidToBe('Connected');
    await more.click();
    await tab.page.getByText('400 entries', { exact: true }).waitFor();
    while ((await readBack()) !== 'Here the journal begins.');
  });

  test('what is said while the server is down is said once it is there, once', async () => {
    await chat.start(1);
    const [ann, ben] = [await open(), await open()];
    await ann.say('before');
    await ann.page
      .getByText(/^Noted/)
      .first()
      .waitFor();
    await chat.kill();
    await ann.isSaidToBe('Reconnecting…');
    await ann.say('in between');
    await ann.page
      .getByRole('listitem')
      .filter({ hasText: /in between.*sending/ })
      .waitFor();
    await chat.start(1);
    await ben.shows('in between');
    for (const tab of [ann, ben]) await expectWhole(tab);
    const texts = chat.records.flatMap(({ entry }) => (entry.type === 'Said' ? [entry.text] : []));
    expect(texts).toEqual(['before', 'in between']);
  });

  test('offline, and back', async () => {
    await chat.start(1);
    const network = await Network.to(chat.port);
    const [ann, ben] = [await open(), await open(2_400, network.url)];
    await ann.say('before');
    await ben.shows('before');
    // The browser's own way to be offline leaves a stream that is open as it is.
    await ben.context.setOffline(true);
    network.cut();
    await ben.isSaidToBe('Reconnecting…');
    await ann.say('meanwhile');
    await ann.shows('meanwhile');
    await ben.say('from afar');
    await ben.page
      .getByRole('listitem')
      .filter({ hasText: /from afar.*sending/ })
      .waitFor();
    expect(await ben.messages()).not.toContainEqual(expect.stringContaining('meanwhile'));
    network.mend();
    await ben.context.setOffline(false);
    await ben.shows('meanwhile');
    await ann.shows('from afar');
    await ben.isSaidToBe('Connected');
    for (const tab of [ann, ben]) await expectWhole(tab);
    expect(await ben.messages()).toEqual(await ann.messages());
    expect(chat.records.filter(({ entry }) => entry.type === 'Said').length).toBe(3);
    network.close();
  });

  test('100,000 entries scroll: what is there is right, and little of it is in the page', async () => {
    const entries = long(100_000);
    chat.fill(entries);
    await chat.start();
    const tab = await open(900);
    await tab.hasFlushed(100_000);
    const expected = (position: number) => rowOf({ position, entry: entries[position - 1]! });
    for (const part of [1, 0, 0.5, 0.25, 0.75, 0.1234, 1, 0]) {
      await tab.scrollJournal(part);
      const rows = await tab.rows();
      expect(rows.length).toBeLessThan(60);
      expect(rows).toEqual(rows.map(([position]) => expected(position)));
      const positions = rows.map(([position]) => position);
      expect(positions).toEqual(positions.map((_, index) => positions[0]! + index));
      if (part === 0) expect(positions[0]).toBe(1);
      if (part === 1) expect(positions.at(-1)).toBe(100_000);
      if (part === 0.5) expect(Math.abs(positions[0]! - 50_000)).toBeLessThan(40);
    }
    // A frame for each step, whatever was read by then.
    const frames = await tab.page.evaluate(async () => {
      const list = document.querySelector('[data-testid=entries]')!;
      let most = 0;
      for (let step = 1; step <= 200; step++) {
        list.scrollTop = (step / 200) * list.scrollHeight;
        await new Promise((resolve) => requestAnimationFrame(resolve));
        most = Math.max(most, document.querySelectorAll('*').length);
      }
      return most;
    });
    expect(frames).toBeLessThan(2_000);
    await tab.scrollJournal(1);
    expect((await tab.rows()).at(-1)).toEqual(expected(100_000));
  });

  test('a page begins with what the server keeps of the conversation, unless that is of another journal', async () => {
    const kept = (position: number) => {
      const message = { key: 'said-301', who: 'Ben', isAgent: false, text: 'as it was kept', from: 301, to: 301 };
      const state = { first: 301, messages: [{ ...message, at: new Date().toISOString(), isComplete: true }] };
      writeFileSync(`${chat.file}.conversation.json`, JSON.stringify({ version: '1', position, state }));
    };
    chat.fill(long(310));
    kept(305);
    await chat.start(1);
    const tab = await open(900);
    await tab.shows('as it was kept');
    await tab.shows(' 306 307 308 309');
    await chat.kill();
    kept(9_999);
    await chat.start(1);
    const other = await open(900);
    await other.shows('remark 301');
    await other.shows(' 302 303 304 305 306 307 308 309');
  });

  test('the server keeps the newest messages, as far as they are flushed', async () => {
    chat.fill(long(2_000));
    await chat.start(1);
    const tab = await open(900);
    await tab.hasFlushed(2_000);
    const load = () =>
      tab.page.evaluate(async () => {
        const response = await fetch('/conversation');
        return response.status === 200 ? ((await response.json()) as Checkpoint<{ messages: Message[] }>) : undefined;
      });
    let checkpoint = await load();
    while ((checkpoint?.position ?? 0) < 2_000) checkpoint = await load();
    const { messages } = checkpoint!.state;
    expect(messages.length).toBe(100);
    expect(messages.at(-1)).toMatchObject({ from: 1_992, to: 2_000, isComplete: true });
  });

  test('the conversation is read back as one scrolls', async () => {
    chat.fill(long(2_000));
    await chat.start();
    const tab = await open(900);
    await tab.page.getByTestId('messages').getByText('remark 1991').waitFor();
    const seen = await tab.page.evaluate(async () => {
      const list = document.querySelector('[data-testid=messages]')!;
      const seen = new Map<string, string>();
      const note = () => {
        for (const message of document.querySelectorAll('.message')) {
          seen.set(message.querySelector('.place')!.textContent, message.querySelector('.words p')!.textContent);
        }
      };
      while (!document.querySelector('.beginning')?.textContent.startsWith('Here') || list.scrollTop > 0) {
        note();
        list.scrollTop -= 300;
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      note();
      return [...seen];
    });
    const places = seen.map(([place]) => Number.parseInt(place)).sort((a, b) => a - b);
    expect(new Set(places).size).toBe(400);
    expect(places[0]).toBe(1);
    expect(Object.fromEntries(seen)).toMatchObject({
      '1': 'remark 1',
      '2–10': ' 2 3 4 5 6 7 8 9',
      '1992–2000': ' 1992 1993 1994 1995 1996 1997 1998 1999',
    });
  });

  test('5,000 entries a second for three seconds: nothing is lost, and little of it is in the page', async () => {
    await chat.start();
    const [ann, ben] = [await open(900), await open(900)];
    await ann.say('burst 3');
    const most = await ben.page.evaluate(async () => {
      let most = 0;
      while (document.querySelector('[data-testid=head]')!.textContent !== '15,002') {
        await new Promise((resolve) => requestAnimationFrame(resolve));
        most = Math.max(most, document.querySelectorAll('*').length);
      }
      return most;
    });
    expect(most).toBeLessThan(2_000);
    await ben.hasFlushed(15_002);
    for (const tab of [ann, ben]) await expectWhole(tab);
    const { records } = chat;
    expect(records.filter(({ entry }) => entry.type === 'Measured').length).toBe(15_000);
    for (const part of [0, 0.3, 0.6]) {
      await ben.scrollJournal(part);
      const rows = await ben.rows();
      expect(rows).toEqual(rows.map(([position]) => rowOf(records[position - 1]!)));
    }
  });

  test('the journal is searched by type and by text, also what comes', async () => {
    chat.fill(long(3_000));
    await chat.start(1);
    const tab = await open(900);
    await tab.page.getByLabel('Search the entries').fill('remark 12');
    const matches = tab.page.getByTestId('matches');
    await tab.page.getByText('11 entries', { exact: true }).waitFor();
    expect((await tab.rows()).at(-1)).toEqual([1_291, 'Said', 'Ben: remark 1291']);
    await tab.say('remark 12 again');
    await tab.page.getByText('12 entries', { exact: true }).waitFor();
    await tab.page.getByRole('button', { name: 'Answered', exact: true }).click();
    await tab.page.getByText('0 entries', { exact: true }).waitFor();
    await tab.page.getByLabel('Search the entries').fill('');
    await matches.getByText('to 3001').waitFor();
    const rows = await tab.rows();
    expect(rows.every(([, type]) => type === 'Answered')).toBe(true);
    await tab.page.getByRole('button', { name: /^Search before entry/ }).click();
    await tab.page.getByText('301 entries', { exact: true }).waitFor();
  });

  test.each(['light', 'dark'] as const)('axe finds nothing wrong: %s', async (theme) => {
    chat.fill(long(300));
    await chat.start(1);
    const tab = await open(900);
    await tab.page.emulateMedia({ colorScheme: theme });
    await tab.say('What is this?');
    await tab.page
      .getByTestId('messages')
      .getByText(/5,000 entries a second/)
      .waitFor();
    await tab.page.evaluate(axeSource);
    const violations = async () => {
      const results = await tab.page.evaluate(() => axe.run());
      return results.violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => ({ id, html, failureSummary })),
      );
    };
    expect(await violations()).toEqual([]);
    await tab.page.getByLabel('Search the entries').fill('remark');
    await tab.page.getByText(/^\d+ entries$/).waitFor();
    expect(await violations()).toEqual([]);
    await tab.page.setViewportSize({ width: 390, height: 800 });
    expect(await violations()).toEqual([]);
  });

  test('everything can be done with the keyboard', async () => {
    chat.fill(long(300));
    await chat.start(1);
    const { page } = await open(900);
    const { keyboard } = page;
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement!;
        return element.getAttribute('aria-label') ?? element.closest('label')?.textContent ?? element.textContent;
      });
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 80; presses++) {
        await keyboard.press('Tab');
        if ((await focused()).trim() === name) return;
      }
      throw new Error(`Tab does not lead to ${name}`);
    };
    await page.evaluate(() => document.body.focus());
    await keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the message field');
    await keyboard.press('Enter');
    await keyboard.press('Tab');
    await page.getByRole('textbox', { name: 'Message' }).focus();
    await keyboard.type('by hand');
    await keyboard.press('Shift+Enter');
    await keyboard.type('in two lines');
    await keyboard.press('Enter');
    await page.getByTestId('messages').getByText('by hand\nin two lines').waitFor();
    await tabTo('Said');
    await keyboard.press('Space');
    await page.getByText('31 entries', { exact: true }).waitFor();
    await keyboard.press('Space');
    await tabTo('Entries');
    await keyboard.press('Home');
    const shown = (position: number) => page.locator('.row .position', { hasText: new RegExp(`^${position}$`) });
    await shown(1).waitFor();
    await keyboard.press('End');
    await shown(301).waitFor();
    await keyboard.press('Enter');
    await page
      .getByRole('region', { name: /^Entry 3/ })
      .getByText('type: "')
      .waitFor();
    await page.reload();
    await tabTo('auto');
    await keyboard.press('ArrowRight');
    await keyboard.press('ArrowRight');
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
    // Also once the chat is there, which it was not yet.
    await page.getByTestId('messages').getByText('in two lines').waitFor();
    const ring = await page.evaluate(() => getComputedStyle(document.activeElement!.nextElementSibling!).outlineStyle);
    expect(ring).toBe('solid');
  });
});
