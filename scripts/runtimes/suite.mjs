// What every runtime has to pass, with the package as it is installed: `suite.mjs FOLDER`. Prints a line for each part, and exits 1 for a failure.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InMemoryScrivener, isType } from 'rx-scrivener';
import { openFileScrivener, readJournal } from 'rx-scrivener/file';
import { conformance } from './conformance.mjs';
import { assert } from './http-parts.mjs';
import { part } from './part.mjs';
import { sqliteSuite } from './sqlite-suite.mjs';

const [folder] = process.argv.slice(2);

await part('conformance in memory', () =>
  conformance((options) => ({ scrivener: new InMemoryScrivener(options) }), { writeAll: true }),
);

await part('conformance in a file', () =>
  conformance(
    async () => {
      const path = await mkdtemp(join(folder, 'file-'));
      const scrivener = await openFileScrivener({ filePath: join(path, 'journal.ndjson') });
      const dispose = async () => {
        await scrivener.close();
        await rm(path, { recursive: true });
      };
      return { scrivener, complete: () => scrivener.close(), dispose };
    },
    { writeAll: true, retain: false, fail: false, observed: false },
  ),
);

await import('./http-suite.mjs');

await part('a file is recovered, followed, and read back', async () => {
  const filePath = join(folder, 'recovered.ndjson');
  const first = await openFileScrivener({ filePath });
  for (let n = 1; n <= 1_000; n++) first.append({ type: 'Counted', n });
  await first.close();
  const second = await openFileScrivener({ filePath, durability: 'disk' });
  assert(second.head === 1_000 && second.recovered.entries === 1_000, 'a thousand entries to be recovered');
  const live = second.waitFor(second.head, isType('Live'));
  const follower = readJournal(filePath, { after: 1_000, follow: true })[Symbol.asyncIterator]();
  const followed = follower.next();
  await second.write({ type: 'Live' });
  await second.flush();
  assert((await live).position === 1_001, 'the live entry at position 1001');
  assert((await followed).value.position === 1_001, 'the follower to be given position 1001');
  await follower.return();
  await second.close();
  assert((await readFile(filePath, 'utf8')).split('\n').length === 1_002, 'a line for each entry');
});

await sqliteSuite(folder);

process.exit();
