import type { InMemoryScrivener } from 'rx-scrivener';
import { describeInBrowser, openPage } from './support/browser';
import { bundle } from './support/bundle';

declare global {
  interface Window {
    folded: InMemoryScrivener<string>;
    mountProjection(): void;
    unmountProjection(): void;
  }
}

const script = bundle(`/** @jsxRuntime automatic */
  import { StrictMode } from 'react';
  import { createRoot } from 'react-dom/client';
  import { flushSync } from 'react-dom';
  import { InMemoryScrivener } from 'rx-scrivener';
  import { useProjection } from 'rx-scrivener/react';

  window.folded = new InMemoryScrivener();
  const texts = { initial: () => '', evolve: (state, entry) => state + entry };
  function State() {
    const current = useProjection(window.folded, texts);
    return <output>{current && current.position + current.state}</output>;
  }
  let root;
  window.mountProjection = () => {
    root = createRoot(document.body.appendChild(document.createElement('main')));
    flushSync(() => root.render(<StrictMode><State /></StrictMode>));
  };
  window.unmountProjection = () => flushSync(() => root.unmount());
`);

describeInBrowser('useProjection', (browser) => {
  test('shows the state, live, and lets the journal go', async () => {
    const { context, page } = await openPage(browser(), script);
    await page.evaluate(() => {
      for (const text of ['a', 'b']) window.folded.append(text);
      window.mountProjection();
    });
    await page.waitForFunction(() => document.querySelector('output')?.textContent === '2ab');
    await page.evaluate(() => window.folded.append('c'));
    await page.waitForFunction(() => document.querySelector('output')?.textContent === '3abc');
    const observed = await page.evaluate(() => {
      window.unmountProjection();
      return window.folded.observed;
    });
    expect(observed).toBe(false);
    await context.close();
  }, 30_000);
});
