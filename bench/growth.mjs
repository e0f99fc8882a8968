// How cost grows with what there is: `npm run bench:growth` prints a table, and writes it into docs/performance.md, drawn in docs/growth.svg. `BENCH_ENTRIES=1e5` makes a shorter run of it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom } from 'rxjs';
import { InMemoryScrivener } from 'rx-scrivener';
import { openFileScrivener } from 'rx-scrivener/file';
import { median } from './compare.mjs';
import { entry } from './entry.mjs';
import { plots } from './plots.mjs';

const MOST = Number(process.env.BENCH_ENTRIES ?? 1e7);
const ROUNDS = 5;
const NS_PER_MS = 1e6;
const folder = mkdtempSync(join(tmpdir(), 'rx-scrivener-growth-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const powers = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => 10 ** (from + n)).filter((n) => n <= MOST);
const ENTRIES = powers(3, 7);

async function nsOf(run) {
  const start = process.hrtime.bigint();
  await run();
  return Number(process.hrtime.bigint() - start);
}

async function medianOf(run, rounds = ROUNDS) {
  const figures = [];
  for (let round = -1; round < rounds; round++) {
    const figure = await run();
    if (round >= 0) figures.push(figure);
  }
  return median(figures);
}

/** What is measured of a journal in a file, by how many entries it has. */
async function fileFigures(count) {
  const filePath = join(folder, `${count}.ndjson`);
  const config = { filePath, retain: 100 };
  const filling = await openFileScrivener(config);
  const appended = await nsOf(async () => {
    for (let n = 1; n <= count; n++) {
      await filling.write(entry(n));
      if (n % 10_000 === 0) await filling.flush();
    }
    await filling.flush();
  });
  await filling.close();
  const opened = await medianOf(async () => {
    let scrivener;
    const figure = await nsOf(async () => (scrivener = await openFileScrivener(config)));
    await scrivener.close();
    return figure;
  });
  const scrivener = await openFileScrivener(config);
  const middle = Math.floor(count / 2);
  const started = await medianOf(() => nsOf(() => firstValueFrom(scrivener.tail(middle))), 21);
  const lastRead = await medianOf(() => nsOf(() => firstValueFrom(scrivener.readBackward(middle))), 21);
  await scrivener.close();
  rmSync(filePath);
  return {
    append: appended / count,
    open: opened / NS_PER_MS,
    'tail start': started / NS_PER_MS,
    'read backward': lastRead / NS_PER_MS,
  };
}

/** What a wait costs in a journal in memory. */
async function waitFigure(count) {
  const scrivener = new InMemoryScrivener();
  for (let n = 0; n < count; n++) scrivener.append(entry(n));
  const waits = 1_000;
  const figure = await medianOf(() =>
    nsOf(async () => {
      for (let n = 0; n < waits; n++) {
        const found = scrivener.waitFor(scrivener.head, ({ sender }) => sender === 'user-1');
        scrivener.append(entry(1));
        await found;
      }
    }),
  );
  return { wait: figure / waits };
}

/** A live entry, by how many tails there are. */
async function tailFigure(count) {
  const scrivener = new InMemoryScrivener({ retain: 1 });
  let delivered = 0;
  for (let n = 0; n < count; n++) scrivener.tail().subscribe(() => delivered++);
  const writes = Math.max(10, Math.floor(1e6 / count));
  const figure = await medianOf(() =>
    nsOf(() => {
      for (let n = 0; n < writes; n++) scrivener.append(entry(n));
    }),
  );
  if (delivered !== count * writes * (ROUNDS + 1))
    throw new Error(`Expected every entry at every tail, got ${delivered}`);
  return { 'live tails': figure / writes / count };
}

/** An entry that no `waitFor` matches, by how many are pending. */
async function pendingFigure(count) {
  const scrivener = new InMemoryScrivener({ retain: 1 });
  const end = new AbortController();
  const options = { signal: end.signal };
  const pending = Array.from({ length: count }, () =>
    scrivener.waitFor(0, () => false, options).catch(() => undefined),
  );
  const writes = Math.max(10, Math.floor(1e6 / count));
  const figure = await medianOf(() =>
    nsOf(() => {
      for (let n = 0; n < writes; n++) scrivener.append(entry(n));
    }),
  );
  end.abort();
  await Promise.all(pending);
  return { 'pending waits': figure / writes / count };
}

/** A journal more, by how many are open. */
async function journalsFigure(count) {
  const open = [];
  const figure = await nsOf(async () => {
    for (let n = 0; n < count; n++)
      open.push(await openFileScrivener({ filePath: join(folder, 'journals', `${count}-${n}.ndjson`) }));
  });
  for (const scrivener of open) await scrivener.close();
  return { 'journals: open': figure / NS_PER_MS / count };
}

const SERIES = {
  append: 'append to a file, ns an entry',
  open: 'open, `retain: 100`, ms',
  'tail start': 'a tail from the middle of the file: first entry, ms',
  'read backward': 'backward from the middle of the file: first entry, ms',
  wait: '`waitFor` after the head, answered at once, ns',
  'live tails': 'live delivery, ns an entry and tail',
  'pending waits': 'an entry beside pending `waitFor`s, ns each',
  'journals: open': 'opening one more journal, ms',
};

const MEASURED = [
  ['entries', ENTRIES, fileFigures],
  ['entries', ENTRIES.filter((count) => count <= 1e6), waitFigure],
  ['tails', powers(0, 4), tailFigure],
  ['pending', powers(0, 4), pendingFigure],
  ['journals', powers(1, 3), journalsFigure],
];

const found = new Map();
for (const [unit, counts, measure] of MEASURED) {
  for (const count of counts) {
    process.stderr.write(`${count.toLocaleString('en')} ${unit} …\n`);
    for (const [name, figure] of Object.entries(await measure(count))) {
      if (!found.has(name)) found.set(name, { name, what: SERIES[name], unit, points: [] });
      found.get(name).points.push({ count, figure });
    }
  }
}

const series = [...found.values()];
const shown = (figure) => (figure >= 100 ? figure.toFixed(0) : figure.toPrecision(2));
/** By which power of the count a figure grows, between the second count and the last: the first one pays for what is done once. */
function slopeOf(points) {
  const [from, to] = [points[Math.min(1, points.length - 2)], points.at(-1)];
  return Math.log(to.figure / from.figure) / Math.log(to.count / from.count);
}
const rows = series.map(({ what, unit, points }) => {
  const cells = points.map(({ count, figure }) => `${count.toLocaleString('en')}: ${shown(figure)}`);
  return `| ${what} | ${unit} | ${cells.join(', ')} | ${slopeOf(points).toFixed(2)} |`;
});
const text = [
  `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}`,
  '',
  '| what | by the number of | figures | slope |',
  '| --- | --- | --- | --- |',
  ...rows,
].join('\n');
console.log(text);

if (process.argv.includes('--docs')) {
  const page = new URL('../docs/performance.md', import.meta.url);
  const [start, end] = ['<!-- growth:start -->', '<!-- growth:end -->'];
  const before = readFileSync(page, 'utf8');
  writeFileSync(page, `${before.split(start)[0]}${start}\n\n${text}\n\n${end}${before.split(end)[1]}`);
  writeFileSync(new URL('../docs/growth.svg', import.meta.url), plots(series));
}
