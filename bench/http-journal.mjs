// A journal that is served in a process of its own, at /journal by the handler and at /lines as its file is.
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { pipeline } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { openFileScrivener } from 'rx-scrivener/file';
import { journalHandler } from 'rx-scrivener/http';
import { largeJournal } from './large-journal.mjs';

const filePath = await largeJournal(Number(process.argv[2]));
const scrivener = await openFileScrivener({ filePath });
const handle = getRequestListener(journalHandler(scrivener, { authorize: 'public' }));
const server = createServer((request, response) => {
  if (request.url !== '/lines') return handle(request, response);
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  pipeline(createReadStream(filePath), response, () => undefined);
});
server.listen(0, '127.0.0.1', () => process.send(`http://127.0.0.1:${server.address().port}`));
process.once('disconnect', () => process.exit());
