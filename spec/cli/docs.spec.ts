import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeBlocks } from '../docs/markdown';
import { useTempDir } from '../file/support/temp-dir';
import { useCommand } from './support/installed-command';

const command = useCommand();
const path = useTempDir();

test('the examples of docs/cli.md print what the blocks below them say', async () => {
  const page = readFileSync(join(__dirname, '../../docs/cli.md'), 'utf8');
  const examples = codeBlocks(page).filter(({ language, info }) => language === 'sh' && info === 'runnable');
  expect(examples.length).toBeGreaterThan(3);
  // One behind the other, in one folder.
  for (const { text, next } of examples) {
    expect(next?.language).toBe('text');
    const { stdout, stderr } = await command.shell(text, path());
    expect({ text, stdout, stderr }).toEqual({ text, stdout: next?.text, stderr: '' });
  }
});
