import type { Page } from 'playwright-core';
import type { InMemoryScrivener } from 'rx-scrivener';
import type { ConnectionStatus } from 'rx-scrivener/http';
import type { BehaviorSubject } from 'rxjs';
import { describeInBrowser, openPage } from './support/browser';
import { bundle } from './support/bundle';

declare global {
  interface Window {
    journals: InMemoryScrivener<number>[];
    /** How often the component was rendered. */
    renders: number;
    mount(journal: number, strict?: boolean): void;
    mountConnection(isOpen: boolean): void;
    status$: BehaviorSubject<ConnectionStatus>;
    connectionRenders: number;
    unmount(): void;
    nextFrame(): Promise<void>;
  }
}

const script = bundle(`/** @jsxRuntime automatic */
  import { Component, StrictMode, useEffect, useMemo } from 'react';
  import { createRoot } from 'react-dom/client';
  import { flushSync } from 'react-dom';
  import { map } from 'rxjs';
  import { InMemoryScrivener } from 'rx-scrivener';
  import { BehaviorSubject } from 'rxjs';
  import { useConnection, useJournal, useObservable } from 'rx-scrivener/react';

  window.journals = [new InMemoryScrivener(), new InMemoryScrivener(), new InMemoryScrivener({ retain: 10 })];
  window.renders = 0;
  window.nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

  function Journal({ scrivener }) {
    window.renders++;
    const { head, first, caughtUp, error, at, show } = useJournal(scrivener);
    const from = Math.max(1, head - 19);
    useEffect(() => show(from, head), [show, from, head]);
    const positions = Array.from({ length: head - from + 1 }, (_, index) => from + index);
    return (
      <div id="journal" data-head={head} data-first={first} data-caught-up={caughtUp} data-error={String(error)}>
        {positions.map((position) => <p key={position}>{at(position)?.entry ?? '…'}</p>)}
      </div>
    );
  }

  function Head({ scrivener }) {
    const doubled$ = useMemo(() => scrivener?.head$.pipe(map((head) => head * 2)), [scrivener]);
    return <output>{useObservable(doubled$, -1)}</output>;
  }

  window.status$ = new BehaviorSubject({ status: 'open' });
  window.connectionRenders = 0;
  // As a getter does that makes a new one each time.
  const remote = { get connected$() { return window.status$.asObservable(); } };
  function Connection({ isOpen }) {
    window.connectionRenders++;
    return <output>{useConnection(isOpen ? remote : undefined).status}</output>;
  }
  window.mountConnection = (isOpen) => flushSync(() => root.render(<Connection isOpen={isOpen} />));

  class Boundary extends Component {
    state = {};
    static getDerivedStateFromError(error) { return { error }; }
    render() { return this.state.error ? <output>{this.state.error.message}</output> : this.props.children; }
  }

  let root;
  addEventListener('DOMContentLoaded', () => {
    root = createRoot(document.body.appendChild(document.createElement('main')), { onCaughtError() {} });
  });
  window.mount = (index, strict) => {
    const scrivener = window.journals[index];
    const tree = <><Journal scrivener={scrivener} /><Boundary><Head scrivener={scrivener} /></Boundary></>;
    flushSync(() => root.render(strict ? <StrictMode>{tree}</StrictMode> : tree));
  };
  window.unmount = () => flushSync(() => root.unmount());
`);

describeInBrowser('Hooks for React', (browser) => {
  const open = () => openPage(browser(), script);
  const shown = (page: Page) =>
    page.evaluate(async () => {
      await window.nextFrame();
      await window.nextFrame();
      const { head, first, caughtUp, error } = document.getElementById('journal')!.dataset;
      const entries = [...document.querySelectorAll('p')].map((p) => p.textContent);
      return { head, first, caughtUp, error, entries, output: document.querySelector('output')!.textContent };
    });

  test.each([false, true])(
    'show the journal, live; strict: %s',
    async (strict) => {
      const { context, page } = await open();
      await page.evaluate((strict) => {
        for (let n = 1; n <= 3; n++) window.journals[0]!.append(n * 10);
        window.mount(0, strict);
      }, strict);
      expect(await shown(page)).toEqual({
        head: '3',
        first: '1',
        caughtUp: 'true',
        error: 'undefined',
        entries: ['10', '20', '30'],
        output: '6',
      });
      await page.evaluate(() => window.journals[0]!.append(40));
      expect(await shown(page)).toMatchObject({ entries: ['10', '20', '30', '40'], output: '8' });
      const observed = await page.evaluate(() => {
        const before = window.journals[0]!.observed;
        window.unmount();
        return [before, window.journals[0]!.observed];
      });
      expect(observed).toEqual([true, false]);
      await context.close();
    },
    30_000,
  );

  test('a journal that is not open yet: an empty one, not caught up; then what it holds', async () => {
    const { context, page } = await open();
    await page.evaluate(() => {
      for (const n of [7, 8]) window.journals[0]!.append(n);
      window.mount(-1, true);
    });
    const notOpen = { head: '0', first: '1', caughtUp: 'false', error: 'undefined', entries: [], output: '-1' };
    expect(await shown(page)).toEqual(notOpen);
    expect(await shown(page)).toEqual(notOpen);
    await page.evaluate(() => window.mount(0, true));
    expect(await shown(page)).toMatchObject({ head: '2', caughtUp: 'true', entries: ['7', '8'], output: '4' });
    await page.evaluate(() => window.mount(-1, true));
    expect(await shown(page)).toMatchObject({ head: '0', caughtUp: 'false', entries: [] });
    expect(await page.evaluate(() => window.journals[0]!.observed)).toBe(false);
    await context.close();
  }, 30_000);

  test('another journal: it is shown, and the first one is released', async () => {
    const { context, page } = await open();
    await page.evaluate(() => {
      window.journals[0]!.append(1);
      for (const n of [7, 8]) window.journals[1]!.append(n);
      window.mount(0, true);
    });
    expect(await shown(page)).toMatchObject({ head: '1', entries: ['1'], output: '2' });
    const observed = await page.evaluate(() => {
      window.mount(1, true);
      return window.journals.map((journal) => journal.observed);
    });
    expect(observed).toEqual([false, true, false]);
    expect(await shown(page)).toMatchObject({ head: '2', entries: ['7', '8'], output: '4' });
    await page.evaluate(() => window.journals[0]!.append(2));
    expect(await shown(page)).toMatchObject({ head: '2', entries: ['7', '8'] });
    await context.close();
  }, 30_000);

  test('5,000 entries a second are rendered once a frame at most, and the last one is', async () => {
    const { context, page } = await open();
    const { renders, frames } = await page.evaluate(async () => {
      window.mount(0);
      await window.nextFrame();
      window.renders = 0;
      let [frames, written] = [0, 0];
      const count = () => {
        frames++;
        if (written < 5_000) requestAnimationFrame(count);
      };
      requestAnimationFrame(count);
      const start = performance.now();
      while (written < 5_000) {
        const due = Math.min(5_000, (performance.now() - start) * 5);
        while (written < due) window.journals[0]!.append(++written);
        await new Promise((resolve) => setTimeout(resolve));
      }
      return { renders: window.renders, frames };
    });
    expect(renders).toBeGreaterThan(0);
    expect(renders).toBeLessThanOrEqual(frames + 1);
    expect(await shown(page)).toMatchObject({
      head: '5000',
      entries: Array.from({ length: 20 }, (_, index) => String(4_981 + index)),
      output: '10000',
    });
    await context.close();
  }, 30_000);

  test('errors: a journal that fails is shown with what it had; an Observable that fails goes to the boundary', async () => {
    const { context, page } = await open();
    await page.evaluate(() => {
      window.mount(0);
      window.journals[0]!.append(1);
      window.journals[0]!.error(new Error('broken'));
    });
    expect(await shown(page)).toMatchObject({ head: '1', error: 'Error: broken', entries: ['1'], output: 'broken' });
    await page.evaluate(() => {
      window.mount(1);
      window.journals[1]!.append(2);
    });
    expect(await shown(page)).toMatchObject({ head: '1', error: 'undefined', entries: ['2'] });
    await context.close();
  }, 30_000);

  test('what a journal has dropped is reported', async () => {
    const { context, page } = await open();
    await page.evaluate(() => {
      for (let n = 1; n <= 50; n++) window.journals[2]!.append(n);
      window.mount(2, true);
    });
    const { head, first, error, entries } = await shown(page);
    expect({ head, first, error }).toEqual({ head: '50', first: '41', error: 'undefined' });
    expect(entries.slice(0, 11)).toEqual([...Array<string>(10).fill('…'), '41']);
    await context.close();
  }, 30_000);

  test('the connection: what it is, rendered when that changes', async () => {
    const { context, page } = await open();
    const output = () =>
      page.evaluate(async () => {
        for (let frame = 0; frame < 5; frame++) await window.nextFrame();
        return [document.querySelector('output')!.textContent, window.connectionRenders];
      });
    await page.evaluate(() => window.mountConnection(false));
    expect(await output()).toEqual(['connecting', 1]);
    await page.evaluate(() => window.mountConnection(true));
    const [status, renders] = await output();
    expect(status).toBe('open');
    expect(await output()).toEqual(['open', renders]);
    await page.evaluate(() => window.status$.next({ status: 'retrying', error: undefined, nextAttempt: 0 }));
    expect(await output()).toEqual(['retrying', Number(renders) + 1]);
    expect(await page.evaluate(() => window.status$.observed)).toBe(true);
    await page.evaluate(() => window.unmount());
    expect(await page.evaluate(() => window.status$.observed)).toBe(false);
    await context.close();
  }, 30_000);
});
