import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ROOT } from '../../examples/installed-package';
import { onLinux } from '../../file/support/open-descriptors';
import { useTempDir } from '../../file/support/temp-dir';
import { useCommand } from '../support/installed-command';

const command = useCommand();
const path = useTempDir();
beforeAll(() => writeFile(join(dirname(command.main), 'viewer.html'), '<p>the page</p>'));

test('prints the address, serves the page there, and ends with Ctrl-C', async () => {
  await writeFile(path('talk.ndjson'), '{"schemaVersion":"1","position":1,"entry":1}\n');
  const child = command.start(['view', '--no-open', 'talk.ndjson'], path());
  await child.prints(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/\n/);
  const response = await fetch(child.stdout.trim());
  expect([response.status, await response.text()]).toEqual([200, '<p>the page</p>']);
  child.process.kill('SIGINT');
  expect(await child.ended).toMatchObject({ code: 0, stderr: 'rx-scrivener: Ctrl-C ends it\n' });
});

test.each([
  ['does not say what it is', false],
  ['says that it is a stream', true],
])('Ctrl-C ends it while the journal is being opened, from a server that %s', async (_, isStream) => {
  const server = createServer((request, response) => {
    // No other request is answered.
    if (isStream && request.method === 'HEAD') response.setHeader('Stream-Next-Offset', '0').end();
    else server.emit('silent');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const silent = once(server, 'silent');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const child = command.start(['view', '--no-open', url], path());
  await silent;
  child.process.kill('SIGINT');
  expect(await child.ended).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
  server.closeAllConnections();
  server.close();
});

test('a server that does not answer is not waited for without a word', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  const { code, stderr } = await command.run(['view', '--no-open', `http://127.0.0.1:${port}/talk`], path());
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining('the server does not answer') as string,
  });
});

test('what is not there fails at once', async () => {
  const { code, stderr } = await command.run(['view', '--no-open', 'nothing.ndjson'], path());
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'rx-scrivener: nothing.ndjson: no such file or directory\n' });
});

onLinux('a journal of a million entries is shown and searched with at most 200 MB', async () => {
  const file = createWriteStream(path('talk.ndjson'));
  const entry = (n: number) => ({
    type: 'Said',
    at: new Date(1.7e12 + n).toISOString(),
    id: `m${n}`,
    text: 'x'.repeat(60),
  });
  for (let n = 1; n <= 1_000_000; n += 10_000) {
    const text = Array.from(
      { length: 10_000 },
      (_, i) => `${JSON.stringify({ schemaVersion: '1', position: n + i, entry: entry(n + i) })}\n`,
    );
    if (!file.write(text.join(''))) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
  const child = command.start(['view', '--no-open', 'talk.ndjson'], path());
  await child.prints(/\n/);
  const get = async <T>(name: string) => (await (await fetch(child.stdout.trim() + name)).json()) as T;
  let rows: { position: number }[] = [];
  while (rows.length === 0) rows = await get('api/rows?from=999999&to=1000000');
  expect(rows.at(-1)).toMatchObject({ position: 1_000_000 });
  expect((await get<{ samples: object[] }>('api/survey')).samples).toHaveLength(400);
  let [found, before, done] = [0, 1_000_001, false];
  while (!done) {
    const part = await get<{ rows: object[]; before: number; done: boolean }>(`api/search?q=id=m7&before=${before}`);
    found += part.rows.length;
    ({ before, done } = part);
  }
  expect(found).toBe(1);
  const [, most] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.process.pid}/status`, 'utf8'))!;
  expect(Number(most) / 1000).toBeLessThan(200);
});

test('the page takes at most 150 kB, compressed', () => {
  const page = execFileSync(process.execPath, [join(ROOT, 'scripts/viewer-page.mjs')]);
  expect(gzipSync(page).length).toBeLessThan(150_000);
});
