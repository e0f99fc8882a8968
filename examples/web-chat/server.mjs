// Serves the journal of the chat, and the page that shows it.
// @ts-check
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { project } from 'rx-scrivener';
import { FileCheckpointStore, openFileScrivener } from 'rx-scrivener/file';
import { journalHandler } from 'rx-scrivener/http';
import { agent } from './agent.mjs';
import { chatEntrySchema, saidSchema } from './chat-entry.mjs';
import { conversation } from './conversation.mjs';

/** @typedef {import('./client/src/chat-entry').ChatEntry} ChatEntry */

const PAGE = join(import.meta.dirname, 'client/dist');
/** What somebody says counts as said once it is flushed, which takes so long at most. */
const FLUSH_MS = 300;
/** A page reads so many entries more than are new, at most. */
const CHECKPOINT_EVERY = 200;
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
  const live = journalHandler(scrivener, {
    authorize: (request) => isLocal(request) && request.method !== 'POST',
    whenFlushed: async () => undefined,
  });

  // A page begins with what the journal adds up to, and reads what came since.
  const store = new FileCheckpointStore(`${filePath}.conversation.json`, { version: '1' });
  /** @type {import('rx-scrivener').CheckpointStore<import('./conversation.mjs').NewestMessages>} */
  const checkpoints = {
    async load() {
      const checkpoint = await store.load();
      // Of a journal that was here before, it may lie past the end of this one.
      return checkpoint && checkpoint.position <= scrivener.head ? checkpoint : undefined;
    },
    save: (checkpoint) => store.save(checkpoint),
  };
  const folding = project(scrivener, conversation, { checkpoints, every: CHECKPOINT_EVERY }).subscribe({
    error: (error) => console.error('The conversation is not kept:', error),
  });

  const run = randomUUID();
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(SECURITY)) context.res.headers.set(name, value);
    context.res.headers.set('Server-Run', run);
  });
  app.all('/journal', ({ req }) => journal(req.raw));
  app.all('/live', ({ req }) => live(req.raw));
  app.get('/conversation', async ({ req, json, body }) => {
    if (!isLocal(req.raw)) return body(null, 403);
    const checkpoint = await checkpoints.load();
    return checkpoint ? json(checkpoint) : body(null, 204);
  });
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
      folding.unsubscribe();
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
