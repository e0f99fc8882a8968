import type { InMemoryScrivener } from 'rx-scrivener';
import { describeInBrowser, openPage } from './support/browser';
import { bundle } from './support/bundle';

interface PlatformObservable<T> {
  filter(predicate: (value: T) => boolean): PlatformObservable<T>;
  map<R>(project: (value: T) => R): PlatformObservable<R>;
  take(count: number): PlatformObservable<T>;
  toArray(): Promise<T[]>;
  subscribe(observer: (value: T) => void, options: { signal: AbortSignal }): void;
}

declare global {
  interface Window {
    memory: InMemoryScrivener<number>;
    Observable: { from<T>(source: AsyncIterable<T>): PlatformObservable<T> };
    openMemory(): InMemoryScrivener<number>;
  }
}

const script = bundle(`
  import { InMemoryScrivener } from 'rx-scrivener';
  window.openMemory = () => (window.memory = new InMemoryScrivener());
`);

describeInBrowser("The browser's own Observable", (browser) => {
  test('takes a tail, replays and goes on live, with its own operators; an abort lets go of the journal', async () => {
    const { context, page } = await openPage(browser(), script);
    const has = await page.evaluate(() => 'Observable' in window);
    // A browser without it cannot run the recipe; Chromium has it since 135.
    expect(has).toBe(true);
    const found = await page.evaluate(async () => {
      const memory = window.openMemory();
      for (let n = 1; n <= 5; n++) memory.append(n);
      const even = window.Observable.from(memory.tail())
        .filter(({ entry }) => entry % 2 === 0)
        .map(({ position, entry }) => `${position}: ${entry}`);
      const taken = even.take(4).toArray();
      for (let n = 6; n <= 9; n++) memory.append(n);
      const first = await taken;

      const controller = new AbortController();
      const seen: number[] = [];
      await new Promise<void>((resolve) => {
        window.Observable.from(memory.tail(memory.head)).subscribe(
          ({ entry }) => {
            seen.push(entry);
            if (seen.length === 2) resolve();
          },
          { signal: controller.signal },
        );
        for (let n = 10; n <= 11; n++) memory.append(n);
      });
      const observed = memory.observed;
      controller.abort();
      await new Promise((resolve) => setTimeout(resolve));
      memory.append(12);
      await new Promise((resolve) => setTimeout(resolve));
      return { first, seen, observed, after: memory.observed };
    });
    expect(found).toEqual({
      first: ['2: 2', '4: 4', '6: 6', '8: 8'],
      seen: [10, 11],
      observed: true,
      after: false,
    });
    await context.close();
  }, 30_000);
});
