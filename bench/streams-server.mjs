// A server of durable streams in a process of its own, over files that are synced with each append: `streams-server.mjs ours|theirs FOLDER`.
import { createServer } from 'node:http';
import { durableStreams } from 'rx-scrivener/durable-streams';
import { openJournalFolder } from 'rx-scrivener/file';
import { nodeListener } from 'rx-scrivener/http';
import { requirePeer } from './peers.mjs';

const SERVERS = {
  async ours(folder) {
    const journals = await openJournalFolder({ folder, durability: 'disk' });
    const server = createServer(nodeListener(durableStreams(journals, { authorize: 'public' })));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server.address().port;
  },
  async theirs(dataDir) {
    const { DurableStreamTestServer } = requirePeer('@durable-streams/server');
    return new URL(await new DurableStreamTestServer({ port: 0, dataDir, compression: false }).start()).port;
  },
};

const [which, folder] = process.argv.slice(2);
process.send(Number(await SERVERS[which](folder)));
process.on('disconnect', () => process.exit());
