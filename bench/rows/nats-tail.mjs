import { jetstream } from '@nats-io/jetstream';
import { openJetStreamScrivener } from 'rx-scrivener/nats';
import { compare, perStep } from '../compare.mjs';
import { entry } from '../entry.mjs';
import { ownServer } from '../nats-server.mjs';

const COUNT = 200_000;
const IN_FLIGHT = 512;

export const what = 'NATS: `for await` over a tail of 200k entries';
export const against = 'ordered consumer, iterated, with JSON.parse';
export const atMost = 0.8;
export const unit = 'ns an entry';

export async function run() {
  const connection = await ownServer();
  const scrivener = await openJetStreamScrivener({ connection, stream: 'journal' });
  for (let n = 0; n < COUNT; n += IN_FLIGHT) {
    const count = Math.min(IN_FLIGHT, COUNT - n);
    await Promise.all(Array.from({ length: count }, (_, index) => scrivener.write(entry(n + index))));
  }

  const ours = () =>
    perStep(COUNT, async () => {
      let sum = 0;
      for await (const { position, entry } of scrivener.tail()) {
        sum += entry.text.length;
        if (position === COUNT) break;
      }
      if (sum === 0) throw new Error('Expected entries');
    });

  const client = jetstream(connection);
  const utf8 = new TextDecoder();
  const theirs = () =>
    perStep(COUNT, async () => {
      let sum = 0;
      const consumer = await client.consumers.get('journal');
      for await (const message of await consumer.consume()) {
        sum += JSON.parse(utf8.decode(message.data)).entry.text.length;
        if (message.seq === COUNT) break;
      }
      if (sum === 0) throw new Error('Expected entries');
      await consumer.delete();
    });

  const figures = await compare({ rounds: 5, warmUps: 1, ours, theirs });
  await scrivener.close();
  await connection.close();
  return figures;
}
