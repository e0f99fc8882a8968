import { appendFileSync, writeFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { survey } from '../../../lib/cli/reading/survey';
import { Terminal } from '../../../lib/cli/terminal/terminal';
import { journalText, line } from '../../file/support/journal-text';
import { useTempDir } from '../../file/support/temp-dir';

const path = useTempDir();
const terminal = new Terminal(new PassThrough(), new PassThrough());

test('what a writer is about to append is no torn end', async () => {
  writeFileSync(path('talk'), journalText([1, 2]));
  const found = await survey(path('talk'), {
    doing: 'Reading',
    terminal,
    visit: ({ position }) => {
      if (position === 2) appendFileSync(path('talk'), line(3, 3).slice(0, 20));
    },
  });
  expect(found).toEqual({ entries: 2, lastPosition: 2, bytes: 90, tornBytes: 0, damage: undefined });
});

test('reading waits for its visitor, and fails with its error', async () => {
  writeFileSync(path('talk'), journalText([1, 2, 3]));
  const visited: string[] = [];
  await survey(path('talk'), {
    doing: 'Reading',
    terminal,
    visit: async ({ position }) => {
      visited.push(`${position} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      visited.push(`${position} ends`);
    },
  });
  expect(visited).toEqual([1, 2, 3].flatMap((n) => [`${n} begins`, `${n} ends`]));
  const failing = survey(path('talk'), {
    doing: 'Reading',
    terminal,
    visit: () => Promise.reject(new Error('no more')),
  });
  await expect(failing).rejects.toThrow('no more');
});
