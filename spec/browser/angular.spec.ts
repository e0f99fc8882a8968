import type { InMemoryScrivener } from 'rx-scrivener';
import { codeBlocks } from '../docs/markdown';
import { typeCheck } from '../docs/type-check';
import { ROOT } from '../examples/installed-package';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeInBrowser, openPage } from './support/browser';
import { bundle } from './support/bundle';

declare global {
  interface Window {
    journal: InMemoryScrivener<{ text: string }>;
    destroy(): void;
  }
}

/** The component of the guide, as it stands there. */
const recipe = codeBlocks(readFileSync(join(__dirname, '../../docs/browsers.md'), 'utf8')).find(
  ({ text }) => text.includes('toSignal') && text.includes('@Component'),
)!.text;

test('the recipe type-checks', () => {
  expect(typeCheck(new Map([[join(ROOT, 'spec/browser/recipe.ts'), recipe]]))).toEqual([]);
});

const script = bundle(`
  import '@angular/compiler';
  import { provideZonelessChangeDetection } from '@angular/core';
  import { bootstrapApplication } from '@angular/platform-browser';
  import { InMemoryScrivener } from 'rx-scrivener';
  ${recipe}
  window.journal = new InMemoryScrivener();
  window.journal.append({ text: 'before' });
  addEventListener('DOMContentLoaded', async () => {
    document.body.append(document.createElement('app-journal'));
    const application = await bootstrapApplication(JournalComponent, {
      providers: [provideZonelessChangeDetection(), { provide: JOURNAL, useValue: window.journal }],
    });
    window.destroy = () => application.destroy();
  });
`);

describeInBrowser('The recipe for Angular', (browser) => {
  test('shows the journal with toSignal and the async pipe, without zones, and releases it', async () => {
    const { context, page } = await openPage(browser(), script);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.getByText('before').waitFor();
    await page.waitForFunction(() => 'destroy' in window);
    expect(await page.locator('output').textContent()).toBe('1');
    await page.evaluate(() => {
      for (let n = 1; n <= 99; n++) window.journal.append({ text: `entry ${n}` });
    });
    await page.getByText('entry 99').waitFor();
    expect(await page.locator('output').textContent()).toBe('100');
    expect(await page.locator('li').count()).toBe(50);
    const observed = await page.evaluate(() => {
      const before = window.journal.observed;
      window.destroy();
      return [before, window.journal.observed];
    });
    expect(observed).toEqual([true, false]);
    expect(errors).toEqual([]);
    await context.close();
  }, 60_000);
});
