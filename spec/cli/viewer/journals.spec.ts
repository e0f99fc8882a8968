import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { inMemoryJournals, InMemoryScrivener } from 'rx-scrivener';
import { openFileScrivener } from 'rx-scrivener/file';
import { durableStreams } from 'rx-scrivener/durable-streams';
import { journalHandler, nodeListener } from 'rx-scrivener/http';
import { firstValueFrom } from 'rxjs';
import { rowsOf } from '../../../lib/cli/viewer/answers';
import type { LineSource } from '../../../lib/cli/viewer/line-source';
import { openSource } from '../../../lib/cli/viewer/open-source';
import { useTempDir } from '../../file/support/temp-dir';

const path = useTempDir();
const { signal } = new AbortController();
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener, port = 0): Promise<string> {
  const server = createServer(listener).listen(port, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test('a journal with closed segments is shown by its positions, live', async () => {
  const filePath = path('talk.ndjson');
  const scrivener = await openFileScrivener<number>({ filePath, rotation: { maxBytes: 500 } });
  for (let n = 1; n <= 40; n++) {
    await scrivener.write(n);
    await scrivener.flush();
  }
  const source = await openSource(filePath, signal);
  expect((await rowsOf(source, 2, 4)).map(({ position, summary }) => [position, summary])).toEqual([
    [2, '2'],
    [3, '3'],
    [4, '4'],
  ]);
  await scrivener.write(41);
  await scrivener.flush();
  const files = readdirSync(path()).filter((name) => !/\.(?:lock|segments)$/.test(name));
  expect(files.length).toBeGreaterThan(2);
  const sizeBytes = files.reduce((sum, name) => sum + statSync(path(name)).size, 0);
  while (source.extent.head < 41 || source.extent.sizeBytes !== sizeBytes) await firstValueFrom(source.changes$);
  expect(source.extent).toMatchObject({ first: 1, head: 41, sizeBytes });
  await source.close();
  await scrivener.close();
});

test('a journal that is served is shown, live', async () => {
  const scrivener = new InMemoryScrivener<number>();
  for (let n = 1; n <= 5; n++) await scrivener.write(n);
  const source = await openSource(
    await serve(nodeListener(journalHandler(scrivener, { authorize: 'public' }))),
    signal,
  );
  expect((await rowsOf(source, 4, 9)).map(({ position }) => position)).toEqual([4, 5]);
  const changed = firstValueFrom(source.changes$);
  await scrivener.write(6);
  await changed;
  expect(await rowsOf(source, 6, 6)).toMatchObject([{ position: 6, summary: '6' }]);
  await source.close();
});

test('a stream of the Durable Streams Protocol is shown, live; one that is not there is not made', async () => {
  const journals = inMemoryJournals<unknown>();
  const url = await serve(nodeListener(durableStreams(journals, { authorize: 'public' })));
  await expect(openSource(`${url}none`, signal)).rejects.toThrow();
  expect((await fetch(`${url}none`, { method: 'HEAD' })).status).toBe(404);
  const append = (body: unknown, method = 'POST') =>
    fetch(`${url}talk`, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  await append(
    [
      { type: 'Said', n: 1 },
      { type: 'Said', n: 2 },
    ],
    'PUT',
  );
  const source = await openSource(`${url}talk`, signal);
  expect(source.extent).toMatchObject({ first: 1, head: 2 });
  const changed = firstValueFrom(source.changes$);
  await append({ type: 'Said', n: 3 });
  await changed;
  expect((await rowsOf(source, 1, 9)).map(({ position, summary }) => [position, summary])).toEqual([
    [1, 'n: 1'],
    [2, 'n: 2'],
    [3, 'n: 3'],
  ]);
  await source.close();
  await journals.close();
});

async function waitForError(source: LineSource, error: string | undefined): Promise<void> {
  while (source.extent.error !== error) await firstValueFrom(source.changes$);
}

test('a server that is stopped, and started again, is reported', async () => {
  const journals = inMemoryJournals<unknown>();
  const stream = nodeListener(durableStreams(journals, { authorize: 'public' }));
  const journal = nodeListener(journalHandler(new InMemoryScrivener(), { authorize: 'public' }));
  for (const listener of [stream, journal]) {
    const url = await serve(listener);
    await fetch(url + 'talk', { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: '[1]' });
    const source = await openSource(`${url}talk`, signal);
    expect(source.extent.error).toBeUndefined();
    const server = servers.pop()!;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await waitForError(source, 'The server does not answer');
    await serve(listener, Number(new URL(url).port));
    await waitForError(source, undefined);
    await source.close();
  }
  await journals.close();
});

test('a stream of another server is shown, whose offsets say nothing', async () => {
  const messages = ['a', 'b'];
  const asked: string[] = [];
  const url = await serve((request, response) => {
    asked.push(request.method!);
    const offset = new URL(request.url!, 'http://x').searchParams.get('offset') ?? '-1';
    const from = offset === '-1' ? 0 : offset.length - 1;
    response.setHeader('Stream-Next-Offset', `_${'x'.repeat(messages.length)}`);
    response.setHeader('Content-Type', 'application/json');
    response.setHeader('Stream-Up-To-Date', 'true');
    if (request.method === 'HEAD') response.end();
    else if (from < messages.length) response.end(JSON.stringify(messages.slice(from)));
    // A long poll, answered when its client is gone.
  });
  const source = await openSource(url, signal);
  expect((await rowsOf(source, 1, 9)).map(({ summary }) => summary)).toEqual(['"a"', '"b"']);
  expect(new Set(asked)).toEqual(new Set(['HEAD', 'GET']));
  await source.close();
});
