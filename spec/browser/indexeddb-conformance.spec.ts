import type { Page } from 'playwright-core';
import { describeInBrowser, openPage } from './support/browser';
import { bundle } from './support/bundle';

declare global {
  interface Window {
    cases: Map<string, () => Promise<void>>;
    skipped: string[];
  }
}

/** Registers the suite's cases in the page; `reopened` closes and opens the journal behind what a case finds in it. */
const script = (reopened: boolean) =>
  bundle(`
    import { openIndexedDbScrivener } from 'rx-scrivener/indexeddb';
    import { scrivenerConformance } from 'rx-scrivener/testing';
    let journals = 0;
    async function create() {
      const name = 'journal-' + ++journals;
      let scrivener = await openIndexedDbScrivener({ name });
      const reopen = async () => {
        await scrivener.close();
        return (scrivener = await openIndexedDbScrivener({ name }));
      };
      return {
        scrivener,
        complete: () => scrivener.close(),
        dispose: async () => {
          await scrivener.close();
          indexedDB.deleteDatabase(name);
        },
        ...(${reopened} ? { reopen } : {}),
      };
    }
    window.cases = new Map();
    window.skipped = [];
    const test = (name, run) => window.cases.set(name, run);
    test.skip = (name) => window.skipped.push(name);
    scrivenerConformance({ test, create, supports: { writeAll: true, ends: true, retain: false, fail: false, observed: false }, timeoutMs: 20_000 });
  `);

describeInBrowser('The conformance suite in a browser', (browser) => {
  for (const reopened of [false, true]) {
    test(`passes on IndexedDB, ${reopened ? 'closed and reopened after what is in the journal' : 'as it was opened'}`, async () => {
      const { context, page } = await openPage(browser(), script(reopened));
      const { passed, failed } = await runAll(page);
      expect(failed).toEqual([]);
      expect(passed).toBeGreaterThan(100);
      await context.close();
    }, 120_000);
  }
});

async function runAll(page: Page) {
  return page.evaluate(async () => {
    const failed: string[] = [];
    let passed = 0;
    for (const [name, run] of window.cases) {
      try {
        await run();
        passed++;
      } catch (error) {
        failed.push(`${name}: ${String(error)}`);
      }
    }
    return { passed, failed };
  });
}
