import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

/** Debian's, unless `CHROMIUM` names another. */
export const chromiumPath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path !== undefined && existsSync(path),
);

export const ARGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

/** `describe` for what needs a browser; without one it is skipped, the reason in its title, unless `REQUIRE_BROWSER` is set. */
export function describeInBrowser(name: string, describeAll: (browser: () => Browser) => void): void {
  if (chromiumPath === undefined && !process.env.REQUIRE_BROWSER) {
    describe.skip(`${name} (chromium is not installed: apt-get install chromium)`, () => {
      test('runs in a browser', () => expect(chromiumPath).toBeDefined());
    });
    return;
  }
  describe(name, () => {
    let browser: Browser | undefined;
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: chromiumPath ?? 'chromium', args: ARGS.split(' ') });
    }, 60_000);
    afterAll(() => browser?.close());
    describeAll(() => browser!);
  });
}

export const ORIGIN = 'http://localhost:9999';

/** A page of an origin that has nothing but this script; each call has storage of its own. */
export async function openPage(browser: Browser, script: string): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext();
  await context.route(`${ORIGIN}/**`, (route) =>
    route.request().url().endsWith('.js')
      ? route.fulfill({ contentType: 'text/javascript', body: script })
      : route.fulfill({
          contentType: 'text/html',
          body: '<!doctype html><title>spec</title><script src="/spec.js"></script>',
        }),
  );
  const page = await context.newPage();
  await page.goto(`${ORIGIN}/`);
  return { context, page };
}
