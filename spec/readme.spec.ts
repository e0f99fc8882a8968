import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeBlocks } from './docs/markdown';
import { InstalledPackage, ROOT } from './examples/installed-package';
import { runNode } from './examples/run-node';

const example = codeBlocks(readFileSync(join(ROOT, 'README.md'), 'utf8')).find(({ language }) => language === 'js')!;

const installed = new InstalledPackage();
afterAll(() => installed.remove());

test('the example runs as printed', async () => {
  const cwd = installed.newFolder();
  writeFileSync(join(cwd, 'talk.mjs'), example.text);
  expect(example.next?.language).toBe('text');
  expect(await runNode(['talk.mjs'], cwd)).toEqual({ code: 0, signal: null, stderr: '', stdout: example.next?.text });

  const again = await runNode(['talk.mjs'], cwd);
  expect(again.stdout).toContain('position: 4,');
  expect(existsSync(join(cwd, 'data/talk.ndjson'))).toBe(true);
}, 30_000);

test('the example has no more than 15 lines', () => {
  expect(example.text.trimEnd().split('\n').length).toBeLessThanOrEqual(15);
});
