import type { Page } from 'playwright-core';
import type { lastValueFrom } from 'rxjs';
import type { AdapterHost, InMemoryScrivener, toAsyncIterable, writeTo } from 'rx-scrivener';
import type { Platform, PlatformConstructor, PlatformSubscriber } from '../operators/support/platform';
import { describeInBrowser, openPage } from './support/browser';
import { bundle } from './support/bundle';

declare global {
  interface Window {
    memory: InMemoryScrivener<number>;
    Observable: PlatformConstructor;
    openMemory(): InMemoryScrivener<number>;
    toAsyncIterable: typeof toAsyncIterable;
    writeTo: typeof writeTo;
    lastValueFrom: typeof lastValueFrom;
    hostOf(scrivener: InMemoryScrivener<number>, incoming: Platform<number>): AdapterHost<number, number>;
    /** A component that shows the newest value. */
    mount(source: Platform<number>): void;
    unmount(): void;
    nextFrame(): Promise<void>;
  }
}

const script = bundle(`/** @jsxRuntime automatic */
  import { createRoot } from 'react-dom/client';
  import { flushSync } from 'react-dom';
  import { lastValueFrom } from 'rxjs';
  import { AdapterHost, InMemoryScrivener, toAsyncIterable, writeTo } from 'rx-scrivener';
  import { useObservable } from 'rx-scrivener/react';

  Object.assign(window, { lastValueFrom, toAsyncIterable, writeTo });
  window.openMemory = () => (window.memory = new InMemoryScrivener());
  window.hostOf = (scrivener, incoming) => {
    const codec = { toEntry: (message) => message, toMessage: () => undefined };
    return new AdapterHost({ scrivener, codec, adapter: { incoming, deliver() {} } });
  };
  window.nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  const Newest = ({ source }) => <output>{useObservable(source, 0)}</output>;
  let root;
  window.mount = (source) => {
    root = createRoot(document.body.appendChild(document.createElement('main')));
    flushSync(() => root.render(<Newest source={source} />));
  };
  window.unmount = () => flushSync(() => root.unmount());
`);

/** Chromium has it since 135; a browser without it runs what the polyfill does in Node, and nothing here. */
async function hasObservable(page: Page): Promise<boolean> {
  const has = await page.evaluate(() => 'Observable' in window);
  if (!has) console.warn('Skipped: this browser has no Observable of its own');
  return has;
}

describeInBrowser("The browser's own Observable", (browser) => {
  test('takes a tail, replays and continues live, with its own operators; an abort releases the journal', async () => {
    const { context, page } = await openPage(browser(), script);
    if (!(await hasObservable(page))) return context.close();
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

  test('is taken wherever one is: iterated, written, the client of a host, shown; and released, with its teardown', async () => {
    const { context, page } = await openPage(browser(), script);
    if (!(await hasObservable(page))) return context.close();
    const found = await page.evaluate(async () => {
      const { memory, Observable } = { memory: window.openMemory(), Observable: window.Observable };
      const released: string[] = [];
      const made = (name: string, emit: (subscriber: PlatformSubscriber<number>) => void) =>
        new Observable<number>((subscriber) => {
          subscriber.addTeardown(() => released.push(name));
          emit(subscriber);
        });
      const some = (subscriber: PlatformSubscriber<number>) => {
        for (let n = 1; n <= 3; n++) subscriber.next(n);
      };

      const iterated: number[] = [];
      for await (const n of window.toAsyncIterable(made('iterated', some))) if (iterated.push(n) === 2) break;

      const clicks: EventTarget & { when?(type: string): Platform<Event> } = new EventTarget();
      const clicked = window.toAsyncIterable(clicks.when!('click'))[Symbol.asyncIterator]();
      clicks.dispatchEvent(new Event('click'));
      const click = await clicked.next();
      await clicked.return?.();

      const all = made('written', (subscriber) => {
        some(subscriber);
        subscriber.complete();
      });
      const last = await window.lastValueFrom(window.writeTo(memory)(all));
      const broken = made('broken', (subscriber) => subscriber.error(new Error('boom')));
      const failure = await window.lastValueFrom(window.writeTo(memory)(broken)).catch(String);
      made('journaled', some).take(3).subscribe(window.openMemory());
      const journaled = window.memory.head;

      const host = window.hostOf(memory, made('host', some));
      await host.start();
      await memory.waitFor(5, () => true);
      await host.shutdown();

      window.mount(made('shown', some));
      await window.nextFrame();
      await window.nextFrame();
      const shown = document.querySelector('output')!.textContent;
      window.unmount();
      await new Promise((resolve) => setTimeout(resolve));
      return {
        iterated,
        click: click.done ? undefined : click.value.type,
        last,
        failure,
        journaled,
        head: memory.head,
        shown,
        released,
      };
    });
    expect(found).toEqual({
      iterated: [1, 2],
      click: 'click',
      last: 3,
      failure: 'Error: boom',
      journaled: 3,
      head: 6,
      shown: '3',
      released: ['iterated', 'written', 'broken', 'journaled', 'host', 'shown'],
    });
    await context.close();
  }, 30_000);
});
