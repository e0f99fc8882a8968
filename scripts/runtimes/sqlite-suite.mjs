// The sink for SQLite of docs/extending.md, as the package brings it.
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openFileScrivener } from 'rx-scrivener/file';
import { assert } from './http-parts.mjs';
import { part } from './part.mjs';

const NAME = 'the sink for SQLite of docs/extending.md';
const ENTRY = '{"type":"Said","who":"ann","text":"hello"}';

/** Runs it twice, in a folder: the second run recovers what the first has written. Says so where a runtime has no `node:sqlite`. */
export async function sqliteSuite(folder) {
  let sqlite;
  try {
    sqlite = await import('node:sqlite');
  } catch (error) {
    console.log(`skipped: ${NAME}: ${error.message}`);
    return;
  }
  await part(NAME, async () => {
    const manifest = createRequire(import.meta.url).resolve('rx-scrivener/package.json');
    const guide = await readFile(join(dirname(manifest), 'docs/extending.md'), 'utf8');
    const [, example] = /^```js\n([^`]*node:sqlite[^]*?)^```$/m.exec(guide) ?? [];
    assert(example !== undefined, 'an example with node:sqlite in docs/extending.md');
    // Two files: Bun loads one of them once, whatever its query.
    const programs = [1, 2].map((run) => join(folder, `sqlite-example-${run}.mjs`));
    for (const program of programs) await writeFile(program, `${example}\nexport { SqliteSink };\n`);
    const before = process.cwd();
    process.chdir(folder);
    try {
      const [first, second] = programs.map((program) => pathToFileURL(program).href);
      await import(first);
      const { SqliteSink } = await import(second);
      const database = new sqlite.DatabaseSync('chat.sqlite');
      const rows = () => database.prepare('SELECT position, entry FROM entries ORDER BY position').all();
      const texts = () => rows().map(({ position, entry }) => `${position} ${entry}`);
      assert(texts().join() === `1 ${ENTRY},2 ${ENTRY}`, `the second run to go on after the first, got ${texts()}`);

      const sink = new SqliteSink();
      database.exec("INSERT INTO entries VALUES (4, '{}')");
      const refused = await sink.append([3, 4].map((position) => ({ position, entry: {} }))).catch((error) => error);
      assert(refused instanceof Error, 'a batch to be refused when a position is taken');
      assert(rows().length === 3, 'nothing of the batch in the table');
      database.exec('DELETE FROM entries WHERE position = 4');
      const journal = await openFileScrivener({ sink });
      assert(journal.head === 2 && journal.recovered.entries === 2, 'two entries to be recovered');
      assert((await journal.write({ n: 3 })) === 3, 'position 3 to be next');
      await journal.close();
      assert(texts()[2] === '3 {"n":3}', 'what was written to be in the table once the journal is closed');
      database.close();
    } finally {
      process.chdir(before);
    }
  });
}
