import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { JsxEmit } from 'typescript';
import { codeBlocks } from '../docs/markdown';
import { typeCheck } from '../docs/type-check';
import { ROOT } from '../examples/installed-package';
import { describeInBrowser, openPage } from './support/browser';
import { bundle } from './support/bundle';

/** The components of the guide, as they stand there. */
const recipes = codeBlocks(readFileSync(join(__dirname, '../../docs/browsers.md'), 'utf8'))
  .filter(({ language }) => language === 'tsx')
  .map(({ text }) => text);

test('the recipes type-check', () => {
  const files = recipes.map((text, index) => [join(ROOT, `spec/browser/recipe-${index}.tsx`), text] as const);
  expect(typeCheck(new Map(files), { jsx: JsxEmit.ReactJSX })).toEqual([]);
});

declare global {
  interface Window {
    say(count: number): void;
  }
}

const script = bundle(`/** @jsxRuntime automatic */
  import { createRoot } from 'react-dom/client';
  import { openIndexedDbScrivener } from 'rx-scrivener/indexeddb';
  ${recipes.join('\n')}
  addEventListener('DOMContentLoaded', async () => {
    const scrivener = await openIndexedDbScrivener({ name: 'notes', flushIntervalMs: 5 });
    window.say = (count) => {
      for (let n = 1; n <= count; n++) scrivener.append({ text: 'note ' + (scrivener.head + 1) });
    };
    const root = createRoot(document.body.appendChild(document.createElement('main')));
    root.render(<><Journal scrivener={scrivener} /><Flushed scrivener={scrivener} /></>);
  });
`);

describeInBrowser('The recipes for React, offline with IndexedDB', (browser) => {
  test('show what is written, page back, and have it again when the page is opened again', async () => {
    expect(recipes.length).toBe(2);
    const { context, page } = await openPage(browser(), script);
    const texts = () => page.locator('li').allTextContents();
    await page.waitForFunction(() => 'say' in window);
    await page.evaluate(() => window.say(230));
    await page.getByText('note 230', { exact: true }).waitFor();
    await page.locator('output', { hasText: /^230$/ }).waitFor();
    expect((await texts()).length).toBe(50);
    await page.reload();
    await page.getByText('note 230', { exact: true }).waitFor();
    expect(await texts()).toEqual(Array.from({ length: 50 }, (_, index) => `note ${181 + index}`));
    const earlier = page.getByRole('button', { name: 'Earlier' });
    for (const first of [131, 81, 31, 1]) {
      await earlier.click();
      await page.getByText(`note ${first}`, { exact: true }).waitFor();
    }
    expect(await texts()).toEqual(Array.from({ length: 230 }, (_, index) => `note ${index + 1}`));
    expect(await earlier.isDisabled()).toBe(true);
    expect(await page.locator('output').textContent()).toBe('230');
    await context.close();
  }, 60_000);
});
