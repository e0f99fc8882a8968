import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { useTempDir } from '../../file/support/temp-dir';
import { useCommand } from '../support/installed-command';

const command = useCommand();
const path = useTempDir();

test('prints the address, serves the page there, and ends with Ctrl-C', async () => {
  await writeFile(join(dirname(command.main), 'viewer.html'), '<p>the page</p>');
  await writeFile(path('talk.ndjson'), '{"schemaVersion":"1","position":1,"entry":1}\n');
  const child = command.start(['view', '--no-open', 'talk.ndjson'], path());
  await child.prints(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/\n/);
  const response = await fetch(child.stdout.trim());
  expect([response.status, await response.text()]).toEqual([200, '<p>the page</p>']);
  child.process.kill('SIGINT');
  expect(await child.ended).toMatchObject({ code: 0, stderr: 'rx-scrivener: Ctrl-C ends it\n' });
});

test('what is not there fails at once', async () => {
  const { code, stderr } = await command.run(['view', '--no-open', 'nothing.ndjson'], path());
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'rx-scrivener: nothing.ndjson: no such file or directory\n' });
});
