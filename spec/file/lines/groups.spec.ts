import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { firstValueFrom, take, toArray } from 'rxjs';
import { JsonEntrySerializer, FlusherDaemon, InMemoryScrivener } from 'rx-scrivener';
import { FileAppendSink, openFileScrivener, readJournal } from 'rx-scrivener/file';
import { z } from 'zod';
import { line, positioned, textOf } from '../support/journal-text';
import { outcomeOf, rejectionOf, turns, until } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');

const ALONE = [{ text: 'eins' }];
const GROUP = [{ text: 'zwei 🙂' }, { text: 'dreiß' }, { text: '四' }];

/** A file of one entry, a group of three, and what comes behind them. */
async function written(...behind: { text: string }[]): Promise<Buffer> {
  const scrivener = await openFileScrivener<{ text: string }>({ filePath: filePath() });
  await scrivener.write(ALONE[0]!);
  await scrivener.writeAll(GROUP);
  for (const entry of behind) await scrivener.write(entry);
  await scrivener.close();
  return readFileSync(filePath());
}

test('each line of a group is a line as any other to NDJSON tools', async () => {
  const text = (await written({ text: 'fünf' })).toString();
  const lines = text.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
    [...ALONE, ...GROUP, { text: 'fünf' }].map((entry, index) => ({
      schemaVersion: '1',
      position: index + 1,
      entry,
    })),
  );
  expect(lines.map((line) => line.endsWith(' }'))).toEqual([false, true, true, false, false]);
});

test('a file that is cut at any byte of a group has none of it', async () => {
  const bytes = await written();
  const alone = Buffer.byteLength(line(1, ALONE[0]));
  for (let cut = alone; cut <= bytes.length; cut++) {
    writeFileSync(filePath(), bytes.subarray(0, cut));
    // The newline of a whole last line may be missing.
    const kept = cut >= bytes.length - 1 ? [...ALONE, ...GROUP] : ALONE;
    expect(await outcomeOf(readJournal(filePath()))).toEqual({ values: positioned(kept) });

    const scrivener = await openFileScrivener({ filePath: filePath() });
    expect([cut, scrivener.head]).toEqual([cut, kept.length]);
    expect(scrivener.recovered).toEqual({
      entries: kept.length,
      lastPosition: kept.length,
      truncatedBytes: kept === ALONE ? cut - alone : 0,
    });
    await scrivener.write({ text: 'weiter' });
    await scrivener.close();
    expect((await outcomeOf(readJournal(filePath()))).values).toEqual(positioned([...kept, { text: 'weiter' }]));
  }
});

test('zeros after a part of a group are cut off with it', async () => {
  const bytes = await written();
  const alone = Buffer.byteLength(line(1, ALONE[0]));
  for (const cut of [bytes.length - 1, bytes.length - 5, bytes.indexOf('\n', alone) + 1]) {
    writeFileSync(filePath(), Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(7)]));
    const scrivener = await openFileScrivener({ filePath: filePath() });
    const whole = cut === bytes.length - 1;
    expect(scrivener.recovered).toEqual({
      entries: whole ? 4 : 1,
      lastPosition: whole ? 4 : 1,
      truncatedBytes: 7 + (whole ? 0 : cut - alone),
    });
    await scrivener.close();
  }
});

test('damage inside a group shows none of it', async () => {
  const bytes = await written();
  const text = bytes.toString().replace('"position":3', '"position":5');
  writeFileSync(filePath(), text);
  const { values, error } = await outcomeOf(readJournal(filePath()));
  expect(values).toEqual(positioned(ALONE));
  expect(error).toMatchObject({
    code: 'ERR_CORRUPT_JOURNAL',
    line: 3,
    byteOffset: Buffer.byteLength(text.split('\n').slice(0, 2).join('\n')) + 1,
  });
  await expect(openFileScrivener({ filePath: filePath() })).rejects.toMatchObject({ line: 3 });
});

test('a follower gets a group once it is whole, and another one that takes the place of a torn one', async () => {
  const bytes = await written();
  const alone = Buffer.byteLength(line(1, ALONE[0]));
  const second = bytes.indexOf('\n', alone) + 1;
  writeFileSync(filePath(), bytes.subarray(0, second));
  const values: unknown[] = [];
  const following = readJournal(filePath(), { follow: true }).subscribe(({ entry }) => values.push(entry));
  await until(() => values.length === 1);
  await turns();
  appendFileSync(filePath(), bytes.subarray(second, -3));
  await new Promise((resolve) => setTimeout(resolve, 600)); // it looks again every 250 ms at the latest
  expect(values).toEqual(ALONE);
  truncateSync(filePath(), alone);
  appendFileSync(filePath(), bytes.subarray(alone));
  await until(() => values.length === 4);
  expect(values).toEqual([...ALONE, ...GROUP]);
  following.unsubscribe();
});

test('lines that others laid out with a space at their end belong to no group', async () => {
  const text = '{"schemaVersion": "1", "position": 1, "entry": {"a": 1} }\n';
  writeFileSync(filePath(), text);
  const scrivener = await openFileScrivener({ filePath: filePath() });
  expect(scrivener.recovered).toEqual({ entries: 1, lastPosition: 1, truncatedBytes: 0 });
  await scrivener.close();
  expect(textOf(filePath())).toBe(text);
});

test('an entry that cannot be journaled keeps out its whole group', async () => {
  const schema = z.looseObject({ text: z.string() });
  const scrivener = await openFileScrivener<{ text: string }>({ filePath: filePath(), schema });
  const cyclic: { text: string; self?: unknown } = { text: 'x' };
  cyclic.self = cyclic;
  expect(await rejectionOf(scrivener.writeAll([...GROUP, cyclic]))).toMatchObject({ code: 'ERR_SERIALIZATION' });
  const wrong = { text: 1 } as unknown as { text: string };
  expect(await rejectionOf(scrivener.writeAll([...GROUP, wrong]))).toMatchObject({ code: 'ERR_ENTRY_VALIDATION' });
  expect(scrivener.head).toBe(0);
  expect(await scrivener.writeAll(GROUP)).toEqual([1, 2, 3]);
  await scrivener.close();
  expect((await outcomeOf(readJournal(filePath()))).values).toEqual(positioned(GROUP));
});

test('an entry that writes while it is serialized comes before its group', async () => {
  const scrivener = await openFileScrivener<unknown>({ filePath: filePath() });
  let calls = 0;
  const writing = {
    toJSON: () => {
      if (calls++ === 0) scrivener.append('first');
      return 'writing';
    },
  };
  expect(await scrivener.writeAll(['a', writing, 'b'])).toEqual([2, 3, 4]);
  await scrivener.close();
  expect((await outcomeOf(readJournal(filePath()))).values).toEqual(positioned(['first', 'a', 'writing', 'b']));
});

test('closing while a group is put together refuses it, and harms nothing', async () => {
  const scrivener = await openFileScrivener<unknown>({ filePath: filePath() });
  await scrivener.write('one');
  const closing = { toJSON: () => void scrivener.close() };
  expect(await rejectionOf(scrivener.writeAll(['a', [closing]]))).toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
  await scrivener.close();
  expect((await outcomeOf(readJournal(filePath()))).values).toEqual(positioned(['one']));
});

test('a batch never ends inside a group', async () => {
  const batches: number[][] = [];
  const scrivener = await openFileScrivener<number>({ filePath: filePath(), flushThreshold: 2 });
  scrivener.flushed$.subscribe((flushed) => batches.push([flushed]));
  await scrivener.writeAll([1, 2, 3]);
  await scrivener.writeAll([4, 5, 6]);
  await scrivener.write(7);
  await scrivener.close();
  expect(batches.flat()).toEqual([0, 3, 6, 7]);
});

test('a sink that serializes on its own marks groups, too', async () => {
  const scrivener = new InMemoryScrivener<string>();
  const sink = new FileAppendSink<string>({ filePath: filePath(), serializer: new JsonEntrySerializer() });
  const flusher = new FlusherDaemon({ scrivener, sink });
  await flusher.start();
  await scrivener.writeAll(['a', 'b']);
  await flusher.shutdown();
  truncateSync(filePath(), readFileSync(filePath()).length - 2);
  expect((await outcomeOf(readJournal(filePath()))).values).toEqual([]);
});

test('a serializer of the user gets its lines as they are', async () => {
  const json = new JsonEntrySerializer<string>();
  const serializer = {
    serialize: (record: { position: number; entry: string }) => json.serialize(record),
    deserialize: (text: string) => json.deserialize(text),
  };
  const scrivener = await openFileScrivener<string>({ filePath: filePath(), serializer });
  await scrivener.writeAll(['a', 'b']);
  await scrivener.close();
  expect(textOf(filePath())).toBe(line(1, 'a') + line(2, 'b'));
});

test('a group larger than a block is read whole', async () => {
  const big = Array.from({ length: 30 }, (_, index) => String(index).repeat(50_000));
  const scrivener = await openFileScrivener<string>({ filePath: filePath() });
  await scrivener.write('x');
  await scrivener.writeAll(big);
  await scrivener.close();
  const reopened = await openFileScrivener<string>({ filePath: filePath() });
  expect(await firstValueFrom(reopened.tail(1).pipe(take(30), toArray()))).toEqual(positioned(big, 2));
  await reopened.close();
  truncateSync(filePath(), readFileSync(filePath()).length - 2);
  expect((await outcomeOf(readJournal(filePath()))).values).toEqual(positioned(['x']));
});
