// A process that writes into what several share: `writer.mjs journal PATH` or `writer.mjs sqlite PATH`. Says when it is ready, writes as often as it is told,
// and says when it is done.
import { entry } from './entry.mjs';

const [kind, path] = process.argv.slice(2);
const IN_FLIGHT = 64;
const write = kind === 'journal' ? await toJournal() : await toSqlite();
process.on('message', async (count) => {
  await write(count);
  process.send('done');
});
process.once('disconnect', () => process.exit());
process.send('ready');

async function toJournal() {
  const { openSharedScrivener } = await import('rx-scrivener/shared');
  const scrivener = await openSharedScrivener({ filePath: path });
  return async (count) => {
    let next = 0;
    const lane = async () => {
      while (next < count) await scrivener.write(entry(next++));
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  };
}

async function toSqlite() {
  const { open } = await import('./peers/better-sqlite3.mjs');
  const { append } = await open(path, { transaction: 1 });
  return (count) => append(Array.from({ length: count }, (_, n) => entry(n)));
}
