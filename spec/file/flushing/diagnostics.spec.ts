import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { JsonEntrySerializer } from 'rx-scrivener';
import { FileAppendSink, openFileScrivener, type JournalDiagnostics } from 'rx-scrivener/file';
import { journalText } from '../support/journal-text';
import { until } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const NAMES: (keyof JournalDiagnostics)[] = [
  'rx-scrivener:opened',
  'rx-scrivener:flushed',
  'rx-scrivener:failed',
  'rx-scrivener:closed',
];

let published: [name: string | symbol, message: object][];
const collect = (message: unknown, name: string | symbol) => {
  const { durationMs, ...rest } = message as { durationMs?: number };
  published.push([name, durationMs === undefined ? rest : { ...rest, timed: durationMs >= 0 }]);
};
beforeEach(() => {
  published = [];
  for (const name of NAMES) subscribe(name, collect);
});
afterEach(() => {
  for (const name of NAMES) unsubscribe(name, collect);
});

test('a journal that is opened, flushed and closed says so', async () => {
  const filePath = path('journal.ndjson');
  writeFileSync(filePath, journalText(['a', 'b']) + '{"sch');
  const scrivener = await openFileScrivener<string>({ filePath });
  await scrivener.writeAll(['c', 'd']);
  await scrivener.flush();
  await scrivener.write('e');
  await scrivener.close();
  const { length: lineBytes } = journalText(['e'], 5);
  expect(published).toEqual([
    ['rx-scrivener:opened', { filePath, entries: 2, truncatedBytes: 5, timed: true }],
    ['rx-scrivener:flushed', { filePath, first: 3, last: 4, bytes: 2 * lineBytes + 1, timed: true }],
    ['rx-scrivener:flushed', { filePath, first: 5, last: 5, bytes: lineBytes, timed: true }],
    ['rx-scrivener:closed', { filePath, lastPosition: 5, flushed: 5 }],
  ]);
});

test('a sink that fails says so, once', async () => {
  const filePath = path('journal.ndjson');
  const error = new Error('full');
  const sink = { append: () => Promise.reject(error) };
  const scrivener = await openFileScrivener<string>({ filePath, sink });
  await scrivener.write('a');
  await scrivener.flush().catch(() => undefined);
  await until(() => published.length === 2);
  await scrivener.close().catch(() => undefined);
  expect(published).toEqual([
    ['rx-scrivener:opened', { filePath, entries: 0, truncatedBytes: 0, timed: true }],
    ['rx-scrivener:failed', { filePath, flushed: 0, error }],
    ['rx-scrivener:closed', { filePath, lastPosition: 1, flushed: 0 }],
  ]);
});

test('a sink of the user that is the journal’s own file reads it once, and counts its bytes', async () => {
  const filePath = path('journal.ndjson');
  writeFileSync(filePath, journalText(['a', 'b']));
  const serializer = new JsonEntrySerializer<string>();
  const deserialize = jest.spyOn(serializer, 'deserialize');
  const sink = new FileAppendSink<string>({ filePath, serializer });
  const scrivener = await openFileScrivener<string>({ filePath, serializer, sink });
  await scrivener.write('c');
  await scrivener.close();
  expect(deserialize).toHaveBeenCalledTimes(2);
  expect(sink.bytes).toBe(journalText(['c'], 3).length);
  await expect(sink.append([])).rejects.toThrow('closed');
});

test('a sink of the user on another file stays another', async () => {
  const filePath = path('journal.ndjson');
  const other = path('other.ndjson');
  writeFileSync(filePath, journalText(['a']));
  writeFileSync(other, journalText(['x']));
  const sink = new FileAppendSink<string>({ filePath: other, serializer: new JsonEntrySerializer() });
  const scrivener = await openFileScrivener<string>({ filePath, sink });
  await scrivener.write('b');
  await scrivener.close();
  expect(scrivener.recovered.entries).toBe(1);
  const read = await openFileScrivener<string>({ filePath: other });
  expect(read.recovered.entries).toBe(2);
  await read.close();
});
