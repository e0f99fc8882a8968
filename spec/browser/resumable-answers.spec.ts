import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { inMemoryJournals, lastEntries } from 'rx-scrivener';
import { durableStreams } from 'rx-scrivener/durable-streams';
import { typeCheck } from '../docs/type-check';
import { ROOT } from '../examples/installed-package';
import { describeInBrowser } from './support/browser';
import { buildAnswersPage, PAGE, ResumableAnswers } from './support/resumable-answers';

jest.setTimeout(120_000);

/** The answer to `Count to n`. */
const counted = (n: number) => Array.from({ length: n }, (_, index) => index + 1).join(' ');

/** So slow that an answer is not complete before a test is done with it. */
const SLOW_MS = 1_000;

/** What is used of `@durable-streams/tanstack-ai-transport`, which the page has installed. */
interface Adapter {
  toDurableChatSessionResponse(options: object): Promise<Response>;
  materializeSnapshotFromDurableStream(options: object): Promise<{ messages: unknown[] }>;
}

/** A tab that shows a chat. */
class Tab {
  readonly errors: string[] = [];

  private constructor(readonly page: Page) {
    page.on('pageerror', (error) => this.errors.push(String(error.stack)));
  }

  static async open(browser: Browser, url: string): Promise<Tab> {
    const context = await browser.newContext();
    const tab = new Tab(await context.newPage());
    await tab.page.goto(url);
    return tab;
  }

  async ask(question: string): Promise<void> {
    await this.page.getByLabel('Question').fill(question);
    await this.page.getByRole('button', { name: 'Ask' }).click();
  }

  /** What is said in the chat. */
  said(): Promise<string[]> {
    return this.page.locator('[data-role]').allTextContents();
  }

  /** Waits for an answer that begins like this, and resolves with it. */
  async shows(beginning: string): Promise<string> {
    const answer = await this.page.waitForFunction(
      (text) =>
        [...document.querySelectorAll('[data-role=assistant]')]
          .map((p) => p.textContent)
          .find((p) => p.startsWith(text)),
      beginning,
    );
    return (await answer.jsonValue())!;
  }

  /** Hides the tab from its page, or shows it. */
  async setHidden(isHidden: boolean): Promise<void> {
    await this.page.evaluate((isHidden) => {
      Object.defineProperty(document, 'hidden', { configurable: true, value: isHidden });
      document.dispatchEvent(new Event('visibilitychange'));
    }, isHidden);
  }
}

test('the server type-checks by its JSDoc', () => {
  const folder = join(ROOT, 'examples/resumable-answers');
  const files = readdirSync(folder).filter((file) => file.endsWith('.mjs'));
  expect(files).toEqual(['agent.mjs', 'server.mjs']);
  const texts = new Map(files.map((file) => [join(folder, file), undefined]));
  expect(typeCheck(texts, { allowJs: true, checkJs: true, types: ['node'] })).toEqual([]);
});

describeInBrowser('Resumable answers', (browser) => {
  let answers: ResumableAnswers;
  let tabs: Tab[];
  beforeAll(buildAnswersPage, 120_000);
  beforeEach(() => {
    answers = new ResumableAnswers();
    tabs = [];
  });
  afterEach(async () => {
    await Promise.all(tabs.map(({ page }) => page.context().close()));
    const complaints = await answers.kill();
    await answers.remove();
    expect({ errors: tabs.flatMap(({ errors }) => errors), complaints }).toEqual({ errors: [], complaints: '' });
  });

  async function open(url = answers.url): Promise<Tab> {
    const tab = await Tab.open(browser(), url);
    tabs.push(tab);
    return tab;
  }

  test('the page type-checks', () => {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const args = [tsc, '-p', 'examples/resumable-answers/page'];
    expect(spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' }).stdout).toBe('');
  });

  test('a page that is reloaded again and again in the middle of an answer, and a tab that joins late, show all of it', async () => {
    await answers.start(10);
    const one = await open();
    await one.ask('Count to 250');
    for (const n of [5, 50, 100]) {
      await one.shows(counted(n));
      await one.page.reload();
    }
    await one.shows(counted(150));
    const two = await open(one.page.url());
    for (const tab of [one, two]) {
      await tab.shows(counted(250));
      expect(await tab.said()).toEqual(['Count to 250', counted(250)]);
    }
  });

  test('a tab that is hidden and shown again and again in the middle of an answer shows all of it', async () => {
    await answers.start(10);
    const one = await open();
    await one.ask('Count to 200');
    for (let n = 5; n <= 150; n += 5) {
      await one.shows(counted(n));
      await one.setHidden(true);
      await one.setHidden(false);
    }
    await one.shows(counted(200));
    expect(await one.said()).toEqual(['Count to 200', counted(200)]);
  });

  test('what is said in one tab is said in the others, before and after a reload', async () => {
    await answers.start(1);
    const one = await open();
    const two = await open(one.page.url());
    await one.ask('Count to 3');
    for (const tab of [one, two]) await tab.shows(counted(3));
    await two.ask('Count to 12');
    for (const tab of [one, two]) await tab.shows(counted(12));
    await one.page.reload();
    await one.shows(counted(12));
    await one.ask('Count to 24');
    for (const tab of [one, two]) {
      await tab.shows(counted(24));
      const said = ['Count to 3', counted(3), 'Count to 12', counted(12), 'Count to 24', counted(24)];
      expect(await tab.said()).toEqual(said);
    }
  });

  test('the server is killed in the middle of an answer: every tab continues with the server that is started next, and so does the answer', async () => {
    await answers.start(SLOW_MS);
    const one = await open();
    await one.ask('Count to 100');
    await one.shows(counted(2));
    const two = await open(one.page.url());
    await two.shows(counted(2));
    await two.page.reload();
    for (const tab of [one, two]) {
      const answer = await tab.shows(counted(3));
      expect(counted(100).startsWith(`${answer} `)).toBe(true);
    }
    await answers.kill();
    await answers.start(1);
    for (const tab of [one, two]) {
      await tab.shows(counted(100));
      expect(await tab.said()).toEqual(['Count to 100', counted(100)]);
    }
    // The tab that asked can ask again.
    await one.ask('Count to 4');
    const late = await open(one.page.url());
    for (const tab of [one, two, late]) {
      await tab.page.getByText(counted(4), { exact: true }).waitFor();
      expect(await tab.said()).toEqual(['Count to 100', counted(100), 'Count to 4', counted(4)]);
    }
  });

  test('a tab that was hidden connects again when it becomes visible, also to a server that was started meanwhile', async () => {
    await answers.start(1);
    const one = await open();
    const two = await open(one.page.url());
    await one.ask('Count to 2');
    await one.shows(counted(2));
    await one.setHidden(true);
    await answers.kill();
    await answers.start(1);
    await two.ask('Count to 50');
    await two.shows(counted(50));
    expect(await one.said()).toEqual(['Count to 2', counted(2)]);
    await one.setHidden(false);
    await one.shows(counted(50));
    expect(await one.said()).toEqual(['Count to 2', counted(2), 'Count to 50', counted(50)]);
  });

  test('what the adapter itself writes to a stream of a server is read by its page, and from the journal', async () => {
    const adapter = createRequire(join(PAGE, 'package.json'))('@durable-streams/tanstack-ai-transport') as Adapter;
    const journals = inMemoryJournals<unknown>();
    const streams = durableStreams(journals, { authorize: 'public' });
    const fetchClient = (...request: ConstructorParameters<typeof Request>) => streams(new Request(...request));
    const [writeUrl, messageId] = ['http://localhost/ann', 'answer'];
    async function* responseStream() {
      yield { type: 'TEXT_MESSAGE_START', messageId, role: 'assistant' };
      for (const delta of ['Hello', ', ', 'Ann']) yield { type: 'TEXT_MESSAGE_CONTENT', messageId, delta };
      yield { type: 'TEXT_MESSAGE_END', messageId };
    }
    const response = await adapter.toDurableChatSessionResponse({
      stream: { writeUrl, fetchClient },
      newMessages: [{ id: 'question', role: 'user', parts: [{ type: 'text', content: 'Hi' }] }],
      responseStream: responseStream(),
      mode: 'await',
    });
    expect(response.status).toBe(200);
    const { messages } = await adapter.materializeSnapshotFromDurableStream({ readUrl: writeUrl, fetchClient });
    expect(messages).toEqual([
      { id: 'question', role: 'user', parts: [{ type: 'text', content: 'Hi' }] },
      { id: 'answer', role: 'assistant', parts: [{ type: 'text', content: 'Hello, Ann' }] },
    ]);
    const [last] = await lastEntries(journals.journal('ann'), 1);
    expect(last).toEqual({ position: 8, entry: { type: 'TEXT_MESSAGE_END', messageId } });
  });

  test('a question that cannot be asked is reported', async () => {
    await answers.start(1);
    const one = await open();
    await one.ask('Count to 2');
    await one.shows(counted(2));
    await answers.kill();
    await one.ask('Count to 5');
    await one.page.getByRole('alert').waitFor();
    await answers.start(1);
    await one.ask('Count to 7');
    await one.shows(counted(7));
  });
});
