// Answers that outlive the page and the server: `node server.mjs`, after a build of the page.
// @ts-check
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { flushingOf } from 'rx-scrivener';
import { durableStreams } from 'rx-scrivener/durable-streams';
import { openJournalFolder } from 'rx-scrivener/file';
import { nodeListener } from 'rx-scrivener/http';
import { answer } from './agent.mjs';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: 'data/answers' },
    port: { type: 'string', default: '4438' },
    'word-ms': { type: 'string', default: '100' },
  },
});

/** @type {import('rx-scrivener').Journals<any>} Each chat is a journal. Readers get what is flushed, so each word is flushed at once. */
const journals = await openJournalFolder({ folder: values.folder, flushThreshold: 1 });
const streams = durableStreams(journals, { authorize: 'public', basePath: '/streams/' });

/** @type {Map<string, Promise<void>>} The newest work on each chat: its answers come one after the other. */
const work = new Map();

// What was not answered when this server ended is answered now.
for await (const name of journals.names('chats/')) answerNext(name);

const server = createServer(nodeListener(handle));
server.listen(Number(values.port), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`The chat is at http://localhost:${port}/`);
});

/**
 * @param {Request} request
 * @returns {Promise<Response>}
 */
async function handle(request) {
  const { pathname } = new URL(request.url);
  // Pages read the streams. Only this server writes, and it writes to the journals.
  if (pathname.startsWith('/streams/') && request.method === 'GET') return streams(request);
  if (pathname === '/page.js') return file('dist/page.js', 'text/javascript');
  if (pathname === '/') return new Response(null, { status: 302, headers: { Location: `/chats/${randomUUID()}` } });
  const [, name] = /^\/(chats\/[\w-]{1,64})$/.exec(pathname) ?? [];
  if (name === undefined) return new Response(null, { status: 404 });
  if (request.method === 'POST') return ask(name, request);
  await journals.create(name); // the page reads its stream before anything is written
  return file('index.html', 'text/html');
}

/**
 * Takes a question, and has it answered.
 *
 * @param {string} name
 * @param {Request} request
 */
async function ask(name, request) {
  const question = await questionIn(request);
  if (!question) return new Response('Expected a question', { status: 400 });
  const { messageId, delta } = question;
  const chat = journals.journal(name);
  await chat.write({ type: 'TEXT_MESSAGE_START', messageId, role: 'user' });
  await chat.write({ type: 'TEXT_MESSAGE_CONTENT', messageId, delta });
  const position = await chat.write({ type: 'TEXT_MESSAGE_END', messageId });
  await flushingOf(chat)?.whenFlushed(position);
  answerNext(name);
  return new Response(null, { status: 202 });
}

/**
 * The adapter sends all messages, the newest last.
 *
 * @param {Request} request
 */
async function questionIn(request) {
  // Pages of other sites cannot send JSON here.
  if (request.headers.get('Content-Type') !== 'application/json') return undefined;
  const { messages } = await request.json().catch(() => ({}));
  const { id: messageId, parts } = messages?.at?.(-1) ?? {};
  const delta = parts?.[0]?.content;
  return typeof messageId === 'string' && typeof delta === 'string' ? { messageId, delta } : undefined;
}

/** @param {string} name */
function answerNext(name) {
  const next = (work.get(name) ?? Promise.resolve())
    .then(() => answer(journals.journal(name), Number(values['word-ms'])))
    .catch((error) => console.error(`${name} is not answered:`, error))
    .finally(() => {
      if (work.get(name) === next) work.delete(name);
    });
  work.set(name, next);
}

/**
 * @param {string} path
 * @param {string} type
 */
async function file(path, type) {
  const text = await readFile(join(import.meta.dirname, 'page', path), 'utf8');
  return new Response(text, { headers: { 'Content-Type': `${type}; charset=utf-8` } });
}
