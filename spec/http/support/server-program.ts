// What crash.spec.ts runs in a process of its own: a journal in a file, served on a port, to which it also writes itself.
import { getRequestListener } from '@hono/node-server';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openFileScrivener } from 'rx-scrivener/file';
import { journalHandler } from 'rx-scrivener/http';

const [filePath = '', port = '0'] = process.argv.slice(2);

async function main(): Promise<void> {
  const journal = await openFileScrivener<{ by: string; n: number }>({ filePath, flushThreshold: 1 });
  const whenFlushed = (position: number) => journal.whenFlushed(position);
  const handle = journalHandler(journal, { authorize: 'public', whenFlushed });
  const server = createServer(getRequestListener(handle) as never);
  server.listen(Number(port), '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
  setInterval(() => void journal.write({ by: 'server', n: journal.head + 1 }), 5);
}

void main();
