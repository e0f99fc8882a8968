// Builds the page of `rx-scrivener view`: one file, with its script and its style. As a command it prints it.
import { buildSync } from 'esbuild';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../lib/cli/viewer/page');

const built = (file) =>
  buildSync({
    entryPoints: [join(folder, file)],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: ['es2022', 'chrome123', 'firefox120', 'safari17.5'],
    legalComments: 'none',
  }).outputFiles[0].text.trim();

export function viewerPage() {
  const parts = { '/* STYLE */': built('style.css'), '/* SCRIPT */': built('main.ts') };
  let page = readFileSync(join(folder, 'index.html'), 'utf8');
  for (const [mark, text] of Object.entries(parts)) page = page.replace(mark, () => text);
  return page;
}

if (process.argv[1] === import.meta.filename) process.stdout.write(viewerPage());
