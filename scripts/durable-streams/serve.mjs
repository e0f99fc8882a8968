// The server as a process of its own, over a folder of files: `serve.mjs FOLDER PORT` says on which port it listens.
import { createServer } from 'node:http';
import { durableStreams } from 'rx-scrivener/durable-streams';
import { openJournalFolder } from 'rx-scrivener/file';
import { nodeListener } from 'rx-scrivener/http';

const [folder, port] = process.argv.slice(2);
const journals = await openJournalFolder({ folder });
const times = { longPollMs: 500, maxTailMs: 1_200 };
const handle = durableStreams(journals, { authorize: 'public', ...times, onError: console.error });
const server = createServer(nodeListener(handle));
server.listen(Number(port), '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
