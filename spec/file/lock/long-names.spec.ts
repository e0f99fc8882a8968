import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { JsonEntrySerializer } from 'rx-scrivener';
import { FileAppendSink, openFileScrivener, readJournal, type FileScrivenerConfig } from 'rx-scrivener/file';
import { rejectionOf } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

/* A name has at most 255 bytes, and the files beside a journal have longer ones than it has. */

const path = useTempDir();
const ENDING = '.ndjson';
const ascii = (bytes: number) => 'a'.repeat(bytes - ENDING.length) + ENDING;
/** Characters of four bytes: few of them are long. */
const emoji = (bytes: number) => '🙂'.repeat(Math.floor((bytes - ENDING.length) / 4)) + ENDING;

const CONFIGS: Partial<FileScrivenerConfig<number>>[] = [
  {},
  { rotation: { maxBytes: 1, compress: 'gzip', keep: { segments: 3 } } },
];

describe.each(CONFIGS)('with %j', (config) => {
  const open = (filePath: string) => openFileScrivener<number>({ filePath, ...config });

  test.each([ascii(210), ascii(229), emoji(229)])('%s has room for all of them', async (name) => {
    const filePath = path(name);
    for (let run = 0; run < 2; run++) {
      const scrivener = await open(filePath);
      for (let n = 0; n < 5; n++) {
        await scrivener.write(n);
        await scrivener.flush();
      }
      await scrivener.close();
    }
    let last = 0;
    for await (const { position } of readJournal(filePath)) last = position;
    expect(last).toBe(10);
  });

  test.each([ascii(230), emoji(233), ascii(250), ascii(251), ascii(255)])(
    '%s has not: opening refuses it, and makes nothing',
    async (name) => {
      const error = await rejectionOf(open(path(name)));
      expect(error).toBeInstanceOf(RangeError);
      expect((error as Error).message).toMatch(
        /^Expected a name of at most 229 bytes in `filePath`.* got one of 2\d\d$/,
      );
      expect(readdirSync(path())).toEqual([]);
    },
  );

  test('a link counts as what it leads to', async () => {
    mkdirSync(path('there'));
    symlinkSync(path('there', ascii(240)), path('short'));
    expect(await rejectionOf(open(path('short')))).toBeInstanceOf(RangeError);
    expect(readdirSync(path('there'))).toEqual([]);
    symlinkSync(path('there', 'short'), path(ascii(240)));
    await (await open(path(ascii(240)))).close();
    expect(existsSync(path('there', 'short'))).toBe(true);
  });
});

test('a sink on its own refuses it, too, with its first batch', async () => {
  const filePath = path(ascii(230));
  const sink = new FileAppendSink<number>({ filePath, serializer: new JsonEntrySerializer() });
  expect(await rejectionOf(sink.append([{ position: 1, entry: 1 }]))).toBeInstanceOf(RangeError);
  expect(readdirSync(path())).toEqual([]);
  await sink.close();
});
