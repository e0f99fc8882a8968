import { renameSync, symlinkSync, writeFileSync } from 'node:fs';
import * as promises from 'node:fs/promises';
import { journalFiles } from '../../../lib/cli/reading/journal-files';
import { journalText } from '../../file/support/journal-text';
import { useTempDir } from '../../file/support/temp-dir';

jest.mock('node:fs/promises', () => {
  const actual = jest.requireActual<typeof promises>('node:fs/promises');
  return { ...actual, open: jest.fn(actual.open) };
});
const actual = jest.requireActual<typeof promises>('node:fs/promises');

const path = useTempDir();

async function contents(): Promise<string[]> {
  const texts: string[] = [];
  for await (const { bytes } of journalFiles(path('j'), 1)) {
    let text = '';
    for await (const chunk of bytes) text += chunk.toString();
    texts.push(text);
  }
  return texts;
}

/** Closes the active file as a segment and begins another one, when a file is opened for the first time. */
function rotateAtOpening(isBegun: boolean): void {
  writeFileSync(path('j'), journalText([1, 2]));
  jest.mocked(promises.open).mockImplementationOnce((...args) => {
    renameSync(path('j'), path('j.0000000000000001'));
    if (isBegun) writeFileSync(path('j'), journalText([3], 3));
    return actual.open(...args);
  });
}

test('a file that is rotated as it is opened is read under its new name, then the one that took its place', async () => {
  rotateAtOpening(true);
  expect(await contents()).toEqual([journalText([1, 2]), journalText([3], 3)]);
});

test('also when none has taken its place yet', async () => {
  rotateAtOpening(false);
  expect(await contents()).toEqual([journalText([1, 2])]);
});

test('a closed segment that is a link which leads nowhere is an error', async () => {
  symlinkSync(path('gone'), path('j.0000000000000001'));
  writeFileSync(path('j'), journalText([3], 3));
  await expect(contents()).rejects.toMatchObject({ code: 'ENOENT', path: path('j.0000000000000001') });
});
