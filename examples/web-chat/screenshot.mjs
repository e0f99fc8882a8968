// Takes the pictures of the guide, docs/web-chat.png and docs/web-chat-dark.png: `node examples/web-chat/screenshot.mjs`, after a run of the demo.
// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { startServer } from './server.mjs';

const docs = join(import.meta.dirname, '../../docs');
const folder = mkdtempSync(join(tmpdir(), 'web-chat-'));
const server = await startServer({ filePath: join(folder, 'chat.ndjson'), port: 0, chunkMs: 45 });
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu'],
});

/**
 * @param {string} name
 * @param {'light' | 'dark'} colorScheme
 */
async function enter(name, colorScheme) {
  const page = await browser.newPage({
    viewport: { width: 1440, height: 900 },
    colorScheme,
    reducedMotion: 'reduce',
    timezoneId: 'UTC',
  });
  await page.goto(server.url);
  await page.getByLabel('You are').fill(name);
  const field = page.getByRole('textbox', { name: 'Message' });
  return {
    page,
    /** @param {string} text */
    async say(text) {
      await field.fill(text);
      await field.press('Enter');
    },
    /** @param {RegExp} text */
    hears: (text) => page.getByTestId('messages').getByText(text).waitFor(),
  };
}

const [ada, ben] = [await enter('Ada', 'light'), await enter('Ben', 'dark')];
await ada.say('What is this?');
await ada.hears(/for three seconds\.$/);
await ben.say('So Ada and I see the same, in the same order?');
await ben.hears(/in the same order\.$/);
await ada.say('And what is left of it when the server crashes?');
await Promise.all([ada.hears(/I find the question/), ben.hears(/I find the question/)]);
await Promise.all([
  ada.page.screenshot({ path: join(docs, 'web-chat.png') }),
  ben.page.screenshot({ path: join(docs, 'web-chat-dark.png') }),
]);

await browser.close();
await server.close();
rmSync(folder, { recursive: true });
