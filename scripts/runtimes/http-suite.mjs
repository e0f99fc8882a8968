// What a runtime's own server has to pass, as suite.mjs does.
import { InMemoryScrivener } from 'rx-scrivener';
import { journalHandler, openRemoteScrivener } from 'rx-scrivener/http';
import { conformance, SENT_AHEAD } from './conformance.mjs';
import { CountedScrivener } from './counted-scrivener.mjs';
import { httpParts } from './http-parts.mjs';
import { part } from './part.mjs';
import { serve } from './serve.mjs';

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
    SENT_AHEAD,
  ),
);

for (const [name, run] of Object.entries(httpParts)) {
  await part(`HTTP: ${name}`, async () => {
    const journal = new CountedScrivener();
    const server = await serve(journalHandler(journal, { authorize: 'public', heartbeatMs: 2_000 }));
    await run({ url: server.url, tails: () => journal.tails });
    await server.stop();
  });
}
