// What Cloudflare's workerd has to pass: `workerd.mjs MINIFLARE SCRIPT`, run by Node, with worker.mjs bundled. Prints as suite.mjs does.
import { readFileSync } from 'node:fs';
import { openRemoteScrivener } from 'rx-scrivener/http';
import { conformance, SENT_AHEAD } from './conformance.mjs';
import { assert, httpParts } from './http-parts.mjs';
import { part } from './part.mjs';

const [miniflare, script] = process.argv.slice(2);
const { Miniflare } = await import(miniflare);
const workerd = new Miniflare({
  modules: true,
  script: readFileSync(script, 'utf8'),
  compatibilityDate: '2026-01-01',
  // Without it a worker is not told that its client is gone.
  compatibilityFlags: ['enable_request_signal'],
  durableObjects: { JOURNALS: 'Journal' },
});
const origin = await workerd.ready;
let count = 0;
const open = async (kind) => {
  const url = new URL(`/journals/${++count}`, origin).href;
  const ask = async (command) => (await fetch(`${url}/${command}`)).json();
  await ask(kind);
  return { url, ask };
};

await part('conformance in memory', async () => {
  const response = await fetch(new URL('/conformance', origin));
  const { count, errors } = await response.json();
  assert(response.status === 200, `no errors, got ${errors?.join('\n')}`);
  return count;
});

await part('conformance over HTTP, through the runtime’s own server', () =>
  conformance(
    async ({ retain }) => {
      const { url, ask } = await open(retain === undefined ? 'plain' : `plain?retain=${retain}`);
      const scrivener = await openRemoteScrivener({ url });
      const observed = async () => (await ask('state')).observed;
      return { scrivener, complete: () => ask('complete'), observed, dispose: () => scrivener.close() };
    },
    { fail: false, immediate: false },
    SENT_AHEAD,
  ),
);

for (const [name, run] of Object.entries(httpParts)) {
  await part(`HTTP: ${name}`, async () => {
    const { url, ask } = await open('counted');
    await run({ url, tails: async () => (await ask('state')).tails });
  });
}

await part('HTTP: a handler that is made while the module is loaded', async () => {
  const written = await fetch(new URL('/module', origin), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '1',
  });
  assert(written.status === 201, `an entry to be written, got ${written.status}`);
});

await workerd.dispose();
process.exit();
