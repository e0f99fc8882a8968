import type { Browser, BrowserContext, Page } from 'playwright-core';

/** A tab that shows the web chat. */
export class ChatPage {
  readonly #errors: string[] = [];

  private constructor(
    readonly page: Page,
    readonly context: BrowserContext,
  ) {
    page.on('pageerror', (error) => this.#errors.push(String(error)));
  }

  /** Opens a tab with storage of its own, so high that a short conversation is all in it. */
  static async open(browser: Browser, url: string, height = 2_400): Promise<ChatPage> {
    const context = await browser.newContext({ viewport: { width: 1_440, height } });
    const tab = new ChatPage(await context.newPage(), context);
    await tab.page.goto(url);
    await tab.field.waitFor();
    return tab;
  }

  get field() {
    return this.page.getByRole('textbox', { name: 'Message' });
  }

  /** What the page threw that nobody caught. */
  get errors(): readonly string[] {
    return this.#errors;
  }

  async say(text: string): Promise<void> {
    await this.field.fill(text);
    await this.field.press('Enter');
    const said = this.page.locator('.message, .outgoing li').filter({ hasText: text });
    await said.first().waitFor();
  }

  /** Waits until the connection is said to be so. */
  async isSaidToBe(status: 'Connected' | 'Reconnecting…'): Promise<void> {
    await this.page.getByRole('status').filter({ hasText: status }).waitFor();
  }

  /** Waits until so many entries are flushed, as the page knows. */
  async hasFlushed(count: number): Promise<void> {
    await this.page.waitForFunction(
      (text) => document.querySelector('[data-testid=flushed]')?.textContent === text,
      count.toLocaleString('en'),
    );
  }

  /** Waits until the conversation is there, and all that was said is answered, and flushed. */
  async isSettled(): Promise<void> {
    await this.page.waitForFunction(() => {
      const count = (selector: string) => document.querySelectorAll(selector).length;
      const [head, flushed] = ['head', 'flushed'].map(
        (id) => document.querySelector(`[data-testid=${id}]`)?.textContent,
      );
      const answered = count('.message[data-by=agent]:not([aria-busy=true])');
      const isOpen = count('.messages[aria-busy=false]') === 1;
      const isAnswered = answered === count('.message:not([data-by=agent])');
      return isOpen && isAnswered && head === flushed && count('.outgoing li') === 0;
    });
  }

  /** The messages in the page, as `1 Ada: Hello` and `2–9 Agent: …`. */
  async messages(): Promise<string[]> {
    return this.page.evaluate(() =>
      [...document.querySelectorAll('.message')].map((message) => {
        const [place, who, text] = ['.place', 'strong', '.words p'].map(
          (part) => message.querySelector(part)?.textContent,
        );
        return `${place} ${who}: ${text}`;
      }),
    );
  }

  /** Waits for a message that has this text and nothing else. */
  async shows(text: string): Promise<void> {
    await this.page.waitForFunction(
      (text) =>
        [...document.querySelectorAll('.message:not([aria-busy=true]) .words p')].some((p) => p.textContent === text),
      text,
    );
  }

  /** The rows of the journal in the page, once they are read: position, type, entry. */
  async rows(): Promise<[number, string, string][]> {
    await this.page.waitForFunction(() =>
      [...document.querySelectorAll('.row')].every((row) => row.querySelector('.position')),
    );
    return this.page.evaluate(() =>
      [...document.querySelectorAll('.row')].map((row): [number, string, string] => [
        Number(row.querySelector('.position')!.textContent),
        row.querySelector('.type')!.textContent,
        row.querySelector('.summary')!.textContent,
      ]),
    );
  }

  /** Scrolls the journal to a part of its height, 0 to 1, and waits until what is there has been read. */
  async scrollJournal(part: number): Promise<void> {
    await this.page.evaluate(async (part) => {
      const list = document.querySelector('[data-testid=entries]')!;
      const isRead = () => {
        const { top, bottom } = list.getBoundingClientRect();
        const seen = [...document.querySelectorAll('.row')].filter((row) => {
          const { top: from, bottom: to } = row.getBoundingClientRect();
          return to > top && from < bottom;
        });
        const height = seen.length * 28;
        return height >= bottom - top - 28 && seen.every((row) => row.querySelector('.position'));
      };
      list.scrollTop = part * (list.scrollHeight - list.clientHeight);
      do await new Promise((resolve) => requestAnimationFrame(resolve));
      while (!isRead());
    }, part);
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}
