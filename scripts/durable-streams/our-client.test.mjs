// What every scrivener does, through our client, on our server and on the reference server, over sockets.
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { openDurableStream } from 'rx-scrivener/durable-streams';
import { scrivenerConformance } from 'rx-scrivener/testing';
import { KilledServer } from './killed-server.mjs';
import { load } from './packages.mjs';

const { DurableStreamTestServer } = load('@durable-streams/server');

const supports = {
  ...{ expect: false, retain: false, complete: false, fail: false, observed: false, immediate: false },
  ends: true,
};

function conformance(server) {
  const create = async () => {
    const scrivener = await openDurableStream({ url: `${server.url}/${randomUUID()}` });
    return { scrivener, dispose: () => scrivener.close() };
  };
  scrivenerConformance({ test, create, supports, timeoutMs: 20_000 });
}

describe('on our server', () => {
  const server = new KilledServer();
  before(() => server.start());
  after(() => server[Symbol.asyncDispose]());
  conformance(server);
});

describe('on the reference server', () => {
  const reference = new DurableStreamTestServer({ port: 0, longPollTimeout: 500 });
  before(() => reference.start());
  after(() => reference.stop());
  conformance({
    get url() {
      return reference.url;
    },
  });
});
