import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { openFileScrivener, type FileScrivenerConfig } from 'rx-scrivener/file';
import { useTempDir } from '../file/support/temp-dir';
import { InstalledCommand } from './support/installed-command';

const path = useTempDir();
let command: InstalledCommand;
beforeAll(() => {
  command = new InstalledCommand();
});
afterAll(() => command.endAll());

async function write(rotation: FileScrivenerConfig<unknown>['rotation']): Promise<string> {
  const filePath = path('journal.ndjson');
  const scrivener = await openFileScrivener<{ n: number }>({ filePath, flushThreshold: 1, rotation });
  for (let n = 1; n <= 9; n++) await scrivener.whenFlushed(await scrivener.write({ n }));
  await scrivener.close();
  return filePath;
}

const positions = (text: string) => [...text.matchAll(/"position":(\d+)/g)].map(([, digits]) => Number(digits));

test('a journal whose oldest segments were retired is printed from the oldest kept on', async () => {
  const file = await write({ maxBytes: 1, keep: { segments: 3 } });
  const cat = await command.run(['cat', file], path());
  expect(cat.code).toBe(0);
  const kept = positions(cat.stdout);
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => 10 - kept.length + index));
  expect(kept.length).toBeLessThan(9);
  expect(positions((await command.run(['cat', file, '--last', '2'], path())).stdout)).toEqual([8, 9]);
  expect(positions((await command.run(['tail', '-n', '1', file], path())).stdout)).toEqual([9]);
  expect((await command.run(['cat', file, '--after', '0'], path())).code).toBe(1);
});

test.each(['cat', 'verify', 'stats', 'tail'])(
  'through a link, and without an active file, all is there: %s',
  async (name) => {
    const file = await write({ maxBytes: 1 });
    mkdirSync(path('links'));
    symlinkSync(file, path('links/linked.ndjson'));
    const linked = await command.run([name, path('links/linked.ndjson')], path());
    expect([linked.code, linked.stderr]).toEqual([0, '']);
    expect(linked.stdout).toMatch(name === 'cat' || name === 'tail' ? /"position":1,[^]*"position":9,/ : /9/);
    // As a crash between the two steps of a rotation leaves it.
    renameSync(file, `${file}.0000000000000009`);
    const left = await command.run([name, file], path());
    expect([left.code, left.stderr]).toEqual([0, '']);
    expect(left.stdout).toMatch(name === 'cat' || name === 'tail' ? /"position":1,[^]*"position":9,/ : /9/);
  },
);
