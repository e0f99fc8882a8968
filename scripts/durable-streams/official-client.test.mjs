// The official client, unchanged, on our server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { KilledServer } from './killed-server.mjs';
import { load } from './packages.mjs';

const { DurableStream, IdempotentProducer, stream } = load('@durable-streams/client');
const JSON_TYPE = 'application/json';
const server = new KilledServer();

before(() => server.start());
after(() => server[Symbol.asyncDispose]());

const numbers = (count) => Array.from({ length: count }, (_, n) => n);
/** With `live: false` the client asks once, whether or not that was all. */
const allOf = async (url) => (await stream({ url, offset: '-1', live: 'long-poll' })).json();

/** The client's producer gives up at the first request that fails, so this sends it again; every seventh answer is lost, too. */
function retryingFetch() {
  let answers = 0;
  return async (url, init) => {
    for (;;) {
      try {
        const response = await fetch(url, init);
        if (response.status < 500 && ++answers % 7 > 0) return response;
      } catch (error) {
        if (init?.signal?.aborted) throw error;
      }
      await delay(10);
    }
  };
}

test('across SIGKILLs of the server nothing is lost, and nothing doubled', { timeout: 120_000 }, async () => {
  const [kills, count] = [5, 5_000];
  const url = `${server.url}/killed`;
  const handle = await DurableStream.create({ url, contentType: JSON_TYPE });
  const failures = [];
  const onError = (error) => failures.push(error);
  const producer = new IdempotentProducer(handle, 'p', { fetch: retryingFetch(), maxBatchBytes: 100, onError });
  const live = await stream({ url, offset: '-1', live: 'long-poll' });

  const read = [];
  async function write() {
    for (let n = 0; n < count; n++) {
      producer.append(JSON.stringify(n));
      // No further ahead of the reader, so that each kill meets writes under way.
      while (n > read.length + 500) await delay(1);
    }
    await producer.close();
  }
  async function readAll() {
    let killed = 0;
    for await (const n of live.jsonStream()) {
      read.push(n);
      if (killed === kills || read.length < ((killed + 1) * count) / (kills + 1)) continue;
      killed++;
      await server.kill();
      await server.start();
    }
    assert.equal(killed, kills);
  }
  await Promise.all([write(), readAll()]);
  assert.deepEqual(failures, []);
  assert.deepEqual(read, numbers(count));
  assert.deepEqual(await allOf(url), numbers(count));
});

test('its default batches are taken', { timeout: 60_000 }, async () => {
  const url = `${server.url}/batches`;
  const failures = [];
  const handle = await DurableStream.create({ url, contentType: JSON_TYPE });
  const producer = new IdempotentProducer(handle, 'p', { onError: (error) => failures.push(error) });
  const messages = numbers(20_000).map((n) => ({ n, text: 'x'.repeat(200) }));
  for (const message of messages) producer.append(JSON.stringify(message));
  await producer.flush();
  assert.deepEqual(failures, []);
  assert.deepEqual(await allOf(url), messages);
});

test('its events come without a gap over the ends of their connections', { timeout: 60_000 }, async () => {
  const url = `${server.url}/events`;
  const handle = await DurableStream.create({ url, contentType: JSON_TYPE });
  const live = await stream({ url, offset: '-1', live: 'sse' });
  const read = [];
  const reading = (async () => {
    for await (const n of live.jsonStream()) read.push(n);
  })();
  // Longer than the server keeps a connection; the client takes those of less than a second for broken.
  for (const n of numbers(20)) {
    await handle.append(JSON.stringify(n));
    await delay(200);
  }
  await handle.close();
  await reading;
  assert.deepEqual(read, numbers(20));
});

test('bytes are read as they were written', { timeout: 60_000 }, async () => {
  const url = `${server.url}/bytes`;
  const bytes = Uint8Array.from({ length: 100_000 }, (_, n) => n % 251);
  const handle = await DurableStream.create({ url, contentType: 'application/octet-stream' });
  await handle.append(bytes.subarray(0, 70_000));
  await handle.append(bytes.subarray(70_000));
  const read = await (await stream({ url, offset: '-1', live: false })).body();
  assert.deepEqual(Uint8Array.from(read), bytes);
});
