// Draws the folders of lib/ and what they import in docs/architecture.md, as a Mermaid flowchart: `node scripts/rooms.mjs`; `--check` fails where the
// drawing is not that of the code. Most rooms import `errors`, `journal` and `operators`: arrows to those are left out.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const LIB = join(ROOT, 'lib');
const PAGE = join(ROOT, 'docs/architecture.md');
const EVERYWHERE = ['errors', 'journal', 'operators'];
const [START, END] = ['<!-- rooms:start -->', '<!-- rooms:end -->'];

const arrows = new Map();
for (const file of readdirSync(LIB, { recursive: true })) {
  if (!file.endsWith('.ts')) continue;
  const from = roomOf(file);
  for (const [, path] of readFileSync(join(LIB, file), 'utf8').matchAll(/ from '(\.[^']*)'/g)) {
    const target = join(LIB, dirname(file), path);
    const to = roomOf(relative(LIB, existsSync(`${target}.ts`) ? `${target}.ts` : join(target, 'index.ts')));
    if (from === '' || to === '' || from === to || EVERYWHERE.includes(to)) continue;
    if (!arrows.has(from)) arrows.set(from, new Set());
    arrows.get(from).add(to);
  }
}

const lines = [...arrows]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([from, to]) => `  ${from} --> ${[...to].sort().join(' & ')}`);
const drawing = ['```mermaid', 'flowchart LR', ...lines, '```'].join('\n');

const page = readFileSync(PAGE, 'utf8');
const [before, after] = [page.split(START)[0], page.split(END)[1]];
const drawn = `${before}${START}\n\n${drawing}\n\n${END}${after}`;
if (!process.argv.includes('--check')) writeFileSync(PAGE, drawn);
else if (drawn !== page) {
  console.error('docs/architecture.md does not show what lib/ imports: run `node scripts/rooms.mjs`');
  process.exitCode = 1;
}

/** `file/lines` of `file/lines/line-reader.ts`; the entry itself has no room. */
function roomOf(file) {
  return dirname(file) === '.' ? '' : dirname(file).replaceAll('\\', '/');
}
