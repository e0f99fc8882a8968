import { writeFileSync } from 'node:fs';
import { lastValueFrom, toArray } from 'rxjs';
import { openFileScrivener, readJournal } from 'rx-scrivener/file';
import { textOf } from '../file/support/journal-text';
import { useTempDir } from '../file/support/temp-dir';
import { runHere } from './support/run-here';

const path = useTempDir();
const entries = ['eins', 'zwei ü', 'drei', 'vier', 'fünf'];

/** A journal with checksums, of which the last three entries are a group. */
async function written(): Promise<string[]> {
  const scrivener = await openFileScrivener<string>({ filePath: path('talk'), checksum: 'crc32' });
  for (const entry of entries.slice(0, 2)) await scrivener.write(entry);
  await scrivener.writeAll(entries.slice(2));
  await scrivener.close();
  return textOf(path('talk')).split(/(?<=\n)/);
}

test('lines are printed with their checksums, unchanged, as in the file', async () => {
  const lines = await written();
  expect((await runHere(['cat', path('talk')])).stdout).toBe(lines.join(''));
  expect((await runHere(['tail', '-n', '2', path('talk')])).stdout).toBe(lines.slice(-2).join(''));
});

test('their bytes are counted', async () => {
  const lines = await written();
  const { stdout } = await runHere(['verify', '--json', path('talk')]);
  const bytes = Buffer.byteLength(lines.join(''));
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, entries: 5, bytes, tornBytes: 0 });
});

test('a whole journal is copied with them', async () => {
  const lines = await written();
  expect((await runHere(['repair', path('talk')])).code).toBe(0);
  expect(textOf(path('talk.repaired'))).toBe(lines.join(''));
});

test('a line that does not agree with its checksum is not kept', async () => {
  const lines = await written();
  writeFileSync(path('talk'), lines.join('').replace('zwei', 'drei'));
  const { code, stderr } = await runHere(['repair', path('talk')]);
  expect([code, textOf(path('talk.repaired')), textOf(path('talk.repaired.2'))]).toEqual([
    1,
    lines[0],
    lines.slice(2).join(''),
  ]);
  expect(stderr).toContain('- line 2: its checksum does not agree');
});

test('a line under a new position gets a checksum that agrees, and stays in its group', async () => {
  const lines = await written();
  writeFileSync(path('talk'), ['x\n', ...lines, ...lines].join(''));
  const { code } = await runHere(['repair', path('talk'), '--renumber']);
  expect(code).toBe(1);
  const renumbered = textOf(path('talk.repaired'));
  expect(renumbered.match(/,"crc32":"[0-9a-f]{8}" ?\}$/gm)).toHaveLength(10);
  const read = await lastValueFrom(readJournal<string>(path('talk.repaired')).pipe(toArray()));
  expect(read).toEqual([...entries, ...entries].map((entry, index) => ({ position: 1 + index, entry })));
  // Without its last line, the group is torn.
  writeFileSync(path('torn'), renumbered.slice(0, renumbered.trimEnd().lastIndexOf('\n') + 1));
  expect((await runHere(['verify', path('torn')])).stdout).toContain('7 entries, last position 7, then a torn end of');
});
