// A chat at the console, kept in a journal. Started by `npm start`.
// @ts-check
import { parseArgs } from 'node:util';
import { openFileScrivener } from 'rx-scrivener/file';
import { agent } from './agent.mjs';
import { chatEntrySchema } from './chat-entry.mjs';
import { user } from './user.mjs';

/** @typedef {import('./chat-entry.mjs').ChatEntry} ChatEntry */
/** @typedef {import('rx-scrivener/file').FileScrivener<ChatEntry>} ChatScrivener */

const USAGE = `Usage: npm start -- [--file PATH]

Chats with an agent at the console. Each line is a question; the agent knows
  last N      the last N entries
  find WORD   where you said WORD
  stats       how many entries, whose, since when
and takes note of anything else. Ctrl-D or Ctrl-C ends the chat, the next one goes on with it.

  --file PATH   the journal's file (default: data/console-chat.ndjson)
  --help        show this`;

process.exitCode = await main();

/** @returns {Promise<number>} the exit code */
async function main() {
  let options;
  try {
    options = readOptions();
  } catch (error) {
    console.error(`console-chat: ${messageOf(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }

  try {
    await chat(options.file);
    return 0;
  } catch (error) {
    console.error(`console-chat: ${messageOf(error)}`);
    return 1;
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      file: { type: 'string', default: 'data/console-chat.ndjson' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.file === '') throw new Error('--file needs a path');
  return values;
}

/**
 * Lets both sides talk through the journal in a file until the input ends or the process is told to.
 *
 * @param {string} filePath
 */
async function chat(filePath) {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop.abort());
  // Nobody reads on, as behind `| head -1`: the same as being told to stop.
  process.stdout.on('error', () => stop.abort());

  /** @type {unknown[]} */
  const failures = [];
  const fail = (/** @type {unknown} */ error) => {
    failures.push(error);
    stop.abort();
  };

  /** @type {ChatScrivener} */
  const scrivener = await openFileScrivener({ filePath, schema: chatEntrySchema });
  const { truncatedBytes } = scrivener.recovered;
  if (truncatedBytes > 0)
    console.error(`console-chat: dropped a last entry that a crash cut short (${truncatedBytes} bytes)`);
  scrivener.flusher.waitForFailure().then(fail, () => undefined);
  const answers = agent(scrivener).subscribe({ error: fail });
  await user(scrivener, { input: process.stdin, output: process.stdout, signal: stop.signal }).catch(fail);
  answers.unsubscribe();
  await scrivener.close().catch(fail);
  if (failures.length > 0) throw failures[0];
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
