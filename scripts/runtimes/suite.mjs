// What every runtime has to pass, with the package as it is installed: `suite.mjs FOLDER`. Prints a line for each part, and exits 1 for a failure.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InMemoryScrivener, isType } from 'rx-scrivener';
import { openFileScrivener, readJournal } from 'rx-scrivener/file';
import { journalHandler, openRemoteScrivener } from 'rx-scrivener/http';
import { scrivenerConformance } from 'rx-scrivener/testing';
import { serve } from './serve.mjs';

const [folder] = process.argv.slice(2);
let failures = 0;

async function part(name, run) {
  try {
    const count = await run();
    console.log(`passed: ${name}${count === undefined ? '' : ` (${count} cases)`}`);
  } catch (error) {
    failures++;
    console.log(`FAILED: ${name}`);
    console.error(error);
  }
}

/** Runs the suite's cases one after the other, with a runner of its own: not every runtime has one. */
async function conformance(create, supports, leftOut = []) {
  const cases = [];
  scrivenerConformance({ test: (name, run) => cases.push({ name, run }), create, supports, timeoutMs: 20_000 });
  const errors = [];
  for (const { name, run } of cases) {
    if (leftOut.includes(name)) continue;
    await run().catch((error) => errors.push(new Error(name, { cause: error })));
  }
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} of ${cases.length} cases`);
  return cases.length;
}

function assert(condition, what) {
  if (!condition) throw new Error(`Expected ${what}`);
}

await part('conformance in memory', () =>
  conformance((options) => ({ scrivener: new InMemoryScrivener(options) }), { writeAll: true }),
);

await part('conformance in a file', () =>
  conformance(
    async () => {
      const path = await mkdtemp(join(folder, 'file-'));
      const scrivener = await openFileScrivener({ filePath: join(path, 'journal.ndjson') });
      const dispose = async () => {
        await scrivener.close();
        await rm(path, { recursive: true });
      };
      return { scrivener, complete: () => scrivener.close(), dispose };
    },
    { writeAll: true, retain: false, fail: false, observed: false },
  ),
);

await part('conformance over HTTP, through the runtime’s own server', () =>
  conformance(
    async ({ retain }) => {
      const journal = new InMemoryScrivener({ retain });
      const server = await serve(journalHandler(journal, { authorize: 'public' }));
      const scrivener = await openRemoteScrivener({ url: server.url });
      const dispose = async () => {
        await scrivener.close();
        await server.stop();
      };
      return { scrivener, complete: () => journal.complete(), observed: () => journal.observed, dispose };
    },
    { fail: false, immediate: false },
    // It is sent ahead, and does not fall behind as soon.
    ['retain: an iteration that falls behind rejects with PositionTrimmedError, once'],
  ),
);

await part('a tail over HTTP streams, has heartbeats, and is released when its client leaves', async () => {
  const journal = new InMemoryScrivener();
  const server = await serve(journalHandler(journal, { authorize: 'public', heartbeatMs: 50 }));
  const leave = new AbortController();
  const response = await fetch(server.url, { headers: { Accept: 'text/event-stream' }, signal: leave.signal });
  const reader = response.body.getReader();
  let text = '';
  const until = async (pattern) => {
    while (!pattern.test(text)) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`Expected ${pattern} before the end, got ${text}`);
      text += new TextDecoder().decode(value);
    }
  };
  journal.append({ type: 'Said', text: 'hello' });
  await until(/hello/);
  await until(/^:/m);
  leave.abort();
  await reader.cancel().catch(() => undefined);
  for (let i = 0; i < 200 && journal.observed; i++) await new Promise((resolve) => setTimeout(resolve, 25));
  assert(!journal.observed, 'the tail to be released within 5 s');
  await server.stop();
});

await part('a file is recovered, followed, and read back', async () => {
  const filePath = join(folder, 'recovered.ndjson');
  const first = await openFileScrivener({ filePath });
  for (let n = 1; n <= 1_000; n++) first.append({ type: 'Counted', n });
  await first.close();
  const second = await openFileScrivener({ filePath, durability: 'disk' });
  assert(second.head === 1_000 && second.recovered.entries === 1_000, 'a thousand entries to be recovered');
  const live = second.waitFor(second.head, isType('Live'));
  const follower = readJournal(filePath, { after: 1_000, follow: true })[Symbol.asyncIterator]();
  const followed = follower.next();
  await second.write({ type: 'Live' });
  await second.flush();
  assert((await live).position === 1_001, 'the live entry at position 1001');
  assert((await followed).value.position === 1_001, 'the follower to be given position 1001');
  await follower.return();
  await second.close();
  assert((await readFile(filePath, 'utf8')).split('\n').length === 1_002, 'a line for each entry');
});

process.exit(failures === 0 ? 0 : 1);
