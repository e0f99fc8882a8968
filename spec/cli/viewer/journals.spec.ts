import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { InMemoryScrivener } from 'rx-scrivener';
import { openFileScrivener } from 'rx-scrivener/file';
import { journalHandler, nodeListener } from 'rx-scrivener/http';
import { firstValueFrom } from 'rxjs';
import { rowsOf } from '../../../lib/cli/viewer/answers';
import { openSource } from '../../../lib/cli/viewer/open-source';
import { useTempDir } from '../../file/support/temp-dir';

const path = useTempDir();
const { signal } = new AbortController();

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
  const changed = firstValueFrom(source.changes$);
  await scrivener.write(41);
  await scrivener.flush();
  await changed;
  expect(source.extent).toMatchObject({ first: 1, head: 41 });
  await source.close();
  await scrivener.close();
});

test('a journal that is served is shown, live', async () => {
  const scrivener = new InMemoryScrivener<number>();
  for (let n = 1; n <= 5; n++) await scrivener.write(n);
  const server = createServer(nodeListener(journalHandler(scrivener, { authorize: 'public' }))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const source = await openSource(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, signal);
  expect((await rowsOf(source, 4, 9)).map(({ position }) => position)).toEqual([4, 5]);
  const changed = firstValueFrom(source.changes$);
  await scrivener.write(6);
  await changed;
  expect(await rowsOf(source, 6, 6)).toMatchObject([{ position: 6, summary: '6' }]);
  await source.close();
  server.closeAllConnections();
  server.close();
});
