import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { openJetStreamScrivener } from 'rx-scrivener/nats';
import { compare, perStep } from '../compare.mjs';
import { entry } from '../entry.mjs';
import { ownServer } from '../nats-server.mjs';

const COUNT = 20_000;
const IN_FLIGHT = 256;

export const what = 'NATS: `write`, 256 in flight, 200-byte entries';
export const against = '`js.publish` of JSON.stringify, 256 in flight';
export const atMost = 0.4;
export const unit = 'ns an entry';

/** Calls `write` with as many in flight, and gives the nanoseconds of each. */
function flood(write) {
  return perStep(COUNT, async () => {
    let next = 0;
    const lane = async () => {
      while (next < COUNT) await write(entry(next++));
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  });
}

export async function run() {
  const connection = await ownServer();
  const manager = await jetstreamManager(connection);
  const client = jetstream(connection);
  const scrivener = await openJetStreamScrivener({ connection, stream: 'ours' });
  await manager.streams.add({ name: 'theirs', subjects: ['theirs.journal'] });
  const utf8 = new TextEncoder();
  const figures = await compare({
    ours: () => flood((entry) => scrivener.write(entry)),
    theirs: () => flood((entry) => client.publish('theirs.journal', utf8.encode(JSON.stringify(entry)))),
  });
  await scrivener.close();
  await connection.close();
  return figures;
}
