// Serves the journal of the chat, and the page that shows it.
// @ts-check
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { openFileScrivener } from 'rx-scrivener/file';
import { journalHandler } from 'rx-scrivener/http';
import { agent } from './agent.mjs';
import { chatEntrySchema, saidSchema } from './chat-entry.mjs';

/** @typedef {import('./client/src/chat-entry').ChatEntry} ChatEntry */

const PAGE = join(import.meta.dirname, 'client/dist');
/** What somebody says counts as said once it is flushed, which takes so long at most. */
const FLUSH_MS = 300;
const SECURITY = {
  'Content-Security-Policy':
    "default-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/**
 * Opens the journal, starts the agent and listens, on this machine alone.
 *
 * @param {{ filePath: string, port: number, chunkMs: number }} options
 */
export async function startServer({ filePath, port, chunkMs }) {
  /** @type {import('rx-scrivener/file').FileScrivener<ChatEntry>} */
  const scrivener = await openFileScrivener({ filePath, schema: chatEntrySchema, flushIntervalMs: FLUSH_MS });

  // What is written is answered once the file has it. What is read is told at once, flushed or not, so that one sees an answer grow: `HEAD /journal`
  // says up to where it would survive a crash of this process, and `Server-Run` tells a tab that this is another one, which may have lost the rest.
  const whenFlushed = (/** @type {number} */ position) => scrivener.whenFlushed(position);
  const journal = journalHandler(scrivener, { authorize: isLocal, schema: saidSchema, whenFlushed });
  const live = journalHandler(scrivener, { authorize: (request) => isLocal(request) && request.method !== 'POST' });

  const run = randomUUID();
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(SECURITY)) context.res.headers.set(name, value);
    context.res.headers.set('Server-Run', run);
  });
  app.all('/journal', ({ req }) => journal(req.raw));
  app.all('/live', ({ req }) => live(req.raw));
  app.use(serveStatic({ root: PAGE }));

  const stop = new AbortController();
  const answering = agent(scrivener, { signal: stop.signal, chunkMs });
  const server = createServer(getRequestListener(app.fetch));
  await new Promise((resolve, reject) =>
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(undefined)),
  );

  return {
    url: `http://localhost:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/`,
    scrivener,
    /** Rejects with what the agent fails with. */
    answering,
    async close() {
      stop.abort();
      await answering.catch(() => undefined);
      server.close();
      await scrivener.close(); // ends the tails
      server.closeAllConnections();
    },
  };
}

/**
 * Pages of other sites cannot send JSON here; and this keeps out those that call themselves something else than this machine.
 *
 * @param {Request} request
 */
function isLocal(request) {
  return ['localhost', '127.0.0.1'].includes(new URL(request.url).hostname);
}
