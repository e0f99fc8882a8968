// The server for the public suite, in a thread of its own, since the suite is waited for: on journals in memory or in a folder, or on a folder that is closed
// and opened anew when `/.restart` is asked for.
import { createServer } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { inMemoryJournals } from 'rx-scrivener';
import { durableStreams } from 'rx-scrivener/durable-streams';
import { openJournalFolder } from 'rx-scrivener/file';
import { nodeListener } from 'rx-scrivener/http';

const { backend, folder, longPollMs } = workerData;

let journals;
let handle;
async function start() {
  journals = backend === 'memory' ? inMemoryJournals() : await openJournalFolder({ folder });
  handle = durableStreams(journals, {
    authorize: 'public',
    longPollMs,
    maxBodyBytes: 16 * 1024 * 1024,
    cors: { origin: '*' },
    onError: (error) => console.error(error),
  });
}

async function answer(request) {
  if (new URL(request.url).pathname !== '/.restart') return handle(request);
  if (backend === 'restarted') {
    await journals.close();
    await start();
  }
  return new Response();
}

await start();
const server = createServer(nodeListener(answer));
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
