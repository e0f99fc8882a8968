import { readFileSync, writeFileSync } from 'node:fs';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import {
  EntryValidationError,
  InMemoryScrivener,
  JsonEntrySerializer,
  SchemaMismatchError,
  type Position,
  type Scrivener,
} from 'rx-scrivener';
import { openFileScrivener, readJournal } from 'rx-scrivener/file';
import { journalHandler, openRemoteScrivener } from 'rx-scrivener/http';
import { z } from 'zod';
import { useTempDir } from '../file/support/temp-dir';

/** A journal of an earlier version: a member has another name since, and one type is two. */
const OLD = [
  { type: 'Said', by: 'ann', text: 'hello' },
  { type: 'Changed', what: 'opened' },
  { type: 'Changed', what: 'closed' },
];
type Entry = { type: 'Said'; who: string; text: string } | { type: 'Opened' } | { type: 'Closed' };
const NEW: Entry[] = [{ type: 'Said', who: 'ann', text: 'hello' }, { type: 'Opened' }, { type: 'Closed' }];
const schema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('Said'), who: z.string(), text: z.string() }),
  z.strictObject({ type: z.literal('Opened') }),
  z.strictObject({ type: z.literal('Closed') }),
]);

function upgrade(entry: unknown): Entry {
  const old = entry as (typeof OLD)[number];
  if (old.type === 'Said' && 'by' in old) return { type: 'Said', who: old.by!, text: old.text! };
  if (old.type === 'Changed') return { type: old.what === 'opened' ? 'Opened' : 'Closed' };
  return entry as Entry;
}

const path = useTempDir();
const filePath = () => path('journal.ndjson');
const writeOld = () => {
  const serializer = new JsonEntrySerializer<unknown>();
  const lines = OLD.map((entry, index) => `${serializer.serialize({ position: index + 1, entry })}\n`);
  writeFileSync(filePath(), lines.join(''));
  return lines.join('');
};
const entriesOf = async (scrivener: Pick<Scrivener<Entry>, 'tail'>, count: number) => {
  const records = await lastValueFrom(scrivener.tail().pipe(take(count), toArray()));
  return records.map(({ entry }) => entry);
};

test.each([
  ['kept in memory', {}],
  ['read from the file', { retain: 1 }],
  ['checked by a schema after', { schema }],
])('entries of a file are brought to the present shape, %s; the old lines stay', async (_, options) => {
  const old = writeOld();
  const scrivener = await openFileScrivener<Entry>({ filePath: filePath(), upgrade, ...options });
  expect(await entriesOf(scrivener, 3)).toEqual(NEW);
  const newest = await lastValueFrom(scrivener.readBackward().pipe(toArray()));
  expect(newest.map(({ entry }) => entry)).toEqual(NEW.toReversed());
  await scrivener.write({ type: 'Opened' });
  await scrivener.close();
  expect(readFileSync(filePath(), 'utf8')).toBe(`${old}{"schemaVersion":"1","position":4,"entry":{"type":"Opened"}}\n`);
  const again = await openFileScrivener<Entry>({ filePath: filePath(), upgrade, ...options });
  expect(await entriesOf(again, 4)).toEqual([...NEW, { type: 'Opened' }]);
  await again.close();
});

test('it is called with the position, and readJournal takes it', async () => {
  writeOld();
  const positions: Position[] = [];
  const journal = readJournal<Entry>(filePath(), {
    upgrade: (entry, position) => {
      positions.push(position);
      return upgrade(entry);
    },
  });
  const records = await lastValueFrom(journal.pipe(toArray()));
  expect([records.map(({ entry }) => entry), positions]).toEqual([NEW, [1, 2, 3]]);
});

test('without it the schema refuses what is old', async () => {
  writeOld();
  await expect(openFileScrivener({ filePath: filePath(), schema })).rejects.toThrow(SchemaMismatchError);
});

test('a sink’s entries', async () => {
  const sink = {
    append: async () => undefined,
    async *recover() {
      for (const [index, entry] of OLD.entries()) yield { position: index + 1, entry: entry as unknown as Entry };
    },
  };
  const scrivener = await openFileScrivener<Entry>({ sink, upgrade });
  expect(await entriesOf(scrivener, 3)).toEqual(NEW);
  await scrivener.close();
});

test('entries of a remote journal, which keeps them as they are', async () => {
  const journal = new InMemoryScrivener<unknown>();
  for (const entry of OLD) journal.append(entry);
  const handle = journalHandler(journal, { authorize: 'public' });
  const remote = await openRemoteScrivener<Entry>({
    url: 'http://localhost/',
    fetch: (input, init) => handle(new Request(input, init)),
    upgrade,
  });
  expect(await entriesOf(remote, 3)).toEqual(NEW);
  expect((await firstValueFrom(remote.readBackward())).entry).toEqual({ type: 'Closed' });
  await remote.write({ type: 'Opened' });
  const kept = await lastValueFrom(journal.tail().pipe(take(4), toArray()));
  expect(kept.map(({ entry }) => entry)).toEqual([...OLD, { type: 'Opened' }]);
  await remote.close();
});

test('one that makes another entry of what is written is refused at the write: a position holds one entry', async () => {
  const never = (entry: unknown) => ({ ...(entry as { n: number }), n: (entry as { n: number }).n + 1 });
  const scrivener = await openFileScrivener<{ n: number }>({ filePath: filePath(), upgrade: never });
  const refused = scrivener.write({ n: 1 });
  await expect(refused).rejects.toThrow(EntryValidationError);
  await expect(refused).rejects.toThrow('`upgrade` or the schema makes another entry of what is written');
  expect(scrivener.head).toBe(0);
  await scrivener.close();
});

test('what it throws is the error of the reading, and no damage', async () => {
  const old = writeOld();
  const boom = new Error('boom');
  const throwing = () => {
    throw boom;
  };
  await expect(openFileScrivener({ filePath: filePath(), upgrade: throwing })).rejects.toBe(boom);
  await expect(lastValueFrom(readJournal(filePath(), { upgrade: throwing }))).rejects.toBe(boom);
  expect(readFileSync(filePath(), 'utf8')).toBe(old);
});

test('what is not a function is refused', async () => {
  const wrong = { filePath: filePath(), upgrade: 'x' as never };
  const error = new TypeError('Expected `upgrade` to be a function, got "x"');
  await expect(openFileScrivener(wrong)).rejects.toThrow(error);
  await expect(openRemoteScrivener({ url: 'http://localhost/', upgrade: 'x' as never })).rejects.toThrow(error);
  expect(() => readJournal(filePath(), { upgrade: 'x' as never })).toThrow(error);
});
