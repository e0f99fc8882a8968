import promises, { appendFile, rm, writeFile } from 'node:fs/promises';
import { openFileScrivener } from 'rx-scrivener/file';
import { firstValueFrom } from 'rxjs';
import { rowsOf } from '../../../lib/cli/viewer/answers';
import type { Extent, LineSource } from '../../../lib/cli/viewer/line-source';
import { openSource } from '../../../lib/cli/viewer/open-source';
import { onLinux, openDescriptors } from '../../file/support/open-descriptors';
import { useTempDir } from '../../file/support/temp-dir';

const path = useTempDir();
const opened: LineSource[] = [];
afterEach(async () => {
  for (const source of opened.splice(0)) await source.close();
});

const talk = () => path('talk.ndjson');
const said = (position: number, entry: unknown = position) =>
  `${JSON.stringify({ schemaVersion: '1', position, entry })}\n`;
const lines = (count: number, of = '') => Array.from({ length: count }, (_, i) => said(i + 1, of + (i + 1))).join('');

async function look(): Promise<LineSource> {
  const source = await openSource(talk(), new AbortController().signal);
  opened.push(source);
  return source;
}

async function waitFor(source: LineSource, isIt: (extent: Extent) => boolean): Promise<Extent> {
  while (!isIt(source.extent)) await firstValueFrom(source.changes$);
  return source.extent;
}

const summaries = async (source: LineSource, from = 1, to = 500) =>
  (await rowsOf(source, from, to)).map(({ summary }) => summary);

test('a journal that is rotated for the first time is shown from its beginning on', async () => {
  const scrivener = await openFileScrivener<number>({ filePath: talk(), rotation: { maxBytes: 500 } });
  await scrivener.write(1);
  await scrivener.flush();
  const source = await look();
  await waitFor(source, ({ head }) => head === 1);
  for (let n = 2; n <= 60; n++) {
    await scrivener.write(n);
    await scrivener.flush();
  }
  await waitFor(source, ({ first, head }) => first === 1 && head === 60);
  expect(await summaries(source)).toEqual(Array.from({ length: 60 }, (_, i) => String(i + 1)));
  await scrivener.write(61);
  await scrivener.flush();
  await waitFor(source, ({ head }) => head === 61);
  expect(source.extent.error).toBeUndefined();
  await scrivener.close();
});

test('a file that is away for a while is shown as it was, then as it is', async () => {
  await writeFile(talk(), lines(3, 'old '));
  const source = await look();
  const { generation } = await waitFor(source, ({ head }) => head === 3);
  await rm(talk());
  const { error } = await waitFor(source, ({ error }) => error !== undefined);
  expect(error).toContain('no such file');
  expect(await summaries(source)).toEqual(['"old 1"', '"old 2"', '"old 3"']);
  await writeFile(talk(), lines(2, 'new '));
  const back = await waitFor(source, ({ error, head }) => error === undefined && head === 2);
  expect(back.generation).toBeGreaterThan(generation);
  expect(await summaries(source)).toEqual(['"new 1"', '"new 2"']);
});

test('a file that is emptied and written again, longer than it was, is read from its beginning', async () => {
  await writeFile(talk(), lines(3, 'old '));
  const source = await look();
  const { generation } = await waitFor(source, ({ head }) => head === 3);
  await writeFile(talk(), lines(5, 'quite another '));
  const after = await waitFor(source, ({ head }) => head === 5);
  expect(after.generation).toBeGreaterThan(generation);
  expect((await summaries(source))[0]).toBe('"quite another 1"');
  await appendFile(talk(), said(6));
  await waitFor(source, ({ head }) => head === 6);
  expect(source.extent.generation).toBe(after.generation);
});

test('a journal with closed segments that another takes the place of is opened again', async () => {
  const old = await openFileScrivener<string>({ filePath: talk(), rotation: { maxBytes: 200 } });
  for (let n = 1; n <= 20; n++) {
    await old.write(`old ${n}`);
    await old.flush();
  }
  await old.close();
  const source = await look();
  const { generation } = await waitFor(source, ({ head }) => head === 20);
  await rm(path(), { recursive: true });
  const other = await openFileScrivener<string>({ filePath: talk() });
  await other.write('new');
  await other.flush();
  const after = await waitFor(source, ({ head, error }) => head === 1 && error === undefined);
  expect(after.generation).toBeGreaterThan(generation);
  expect(await summaries(source)).toEqual(['"new"']);
  await other.close();
});

onLinux('a file that cannot be looked at for a while is held open once', async () => {
  await writeFile(talk(), lines(1));
  const source = await look();
  await waitFor(source, ({ head }) => head === 1);
  const open = promises.open;
  jest.spyOn(promises, 'open').mockImplementationOnce(async (...args) => {
    const file = await open(...args);
    file.stat = jest.fn().mockRejectedValue(new Error('it is away'));
    return file;
  });
  await appendFile(talk(), said(2));
  await waitFor(source, ({ error }) => error === 'it is away');
  await waitFor(source, ({ head, error }) => head === 2 && error === undefined);
  expect(openDescriptors(talk())).toHaveLength(1);
});
