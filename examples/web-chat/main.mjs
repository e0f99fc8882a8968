// A chat with an agent in the browser, kept in a journal. Started by `npm run demo`.
// @ts-check
import { parseArgs } from 'node:util';
import { startServer } from './server.mjs';

const USAGE = `Usage: npm run demo -- [--file PATH] [--port N]

Serves a chat with an agent, to be opened in as many tabs as you like. Ctrl-C ends it, and so does kill -9; the next run goes on with it.

  --file PATH   the journal's file (default: data/web-chat.ndjson)
  --port N      where to listen (default: 4173; 0: anywhere)
  --chunk-ms N  how long the agent thinks about each word (default: 60)
  --help        show this`;

process.exitCode = await main();

/** @returns {Promise<number>} the exit code */
async function main() {
  let options;
  try {
    options = readOptions();
  } catch (error) {
    console.error(`web-chat: ${messageOf(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  try {
    const stopped = new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => resolve('stopped'));
    });
    const server = await startServer(options);
    console.log(`The chat is at ${server.url} (Ctrl-C ends it)`);
    const failure = await Promise.race([
      stopped,
      server.answering.catch((/** @type {unknown} */ error) => ({ error })),
      server.scrivener.flusher.waitForFailure().then((error) => ({ error })),
    ]);
    await server.close();
    if (typeof failure === 'object') throw failure.error;
    return 0;
  } catch (error) {
    console.error(`web-chat: ${messageOf(error)}`);
    return 1;
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      file: { type: 'string', default: 'data/web-chat.ndjson' },
      port: { type: 'string', default: '4173' },
      'chunk-ms': { type: 'string', default: '60' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.file === '') throw new Error('--file needs a path');
  return {
    filePath: values.file,
    port: count('--port', values.port, 65_535),
    chunkMs: count('--chunk-ms', values['chunk-ms'], 60_000),
    help: values.help,
  };
}

/**
 * @param {string} option
 * @param {string} text
 * @param {number} most
 */
function count(option, text, most) {
  if (/^\d{1,5}$/.test(text) && Number(text) <= most) return Number(text);
  throw new Error(`${option} is to be 0 to ${most}, got ${text}`);
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
