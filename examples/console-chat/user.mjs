// The user's side: writes to the journal what is typed, and shows what the agent writes to it.
// @ts-check
import { createInterface } from 'node:readline';
import { filter, firstValueFrom, take, toArray } from 'rxjs';
import { entries, isType } from 'rx-scrivener';
import { asked, isAnswerTo, summarize } from './chat-entry.mjs';

/** @typedef {import('./chat-entry.mjs').ChatEntry} ChatEntry */
/** @typedef {import('rx-scrivener/file').FileScrivener<ChatEntry>} ChatScrivener */

const HISTORY = 10;

/**
 * Talks with whoever types; resolves at the end of the input, with everything answered, or when `signal` is aborted.
 *
 * @param {ChatScrivener} scrivener
 * @param {{ input: NodeJS.ReadStream, output: NodeJS.WriteStream, signal: AbortSignal }} terminal
 */
export async function user(scrivener, { input, output, signal }) {
  const say = (/** @type {string} */ text) => output.write(`${text}\n`);
  const isTerminal = Boolean(input.isTTY && output.isTTY);

  const { head } = scrivener;
  const history = await firstValueFrom(scrivener.readBackward(head + 1).pipe(take(HISTORY), toArray()));
  history.reverse().forEach((record) => say(summarize(record)));

  // All that is shown from here on comes out of the journal: answers, also those to questions that an earlier run left open.
  const answers = scrivener
    .tail(head)
    .pipe(entries(), filter(isType('Answered')))
    .subscribe(({ text }) => say(`agent: ${text.replaceAll('\n', '\n  ')}`));

  try {
    await openQuestionAnswered(scrivener, signal);
    if (isTerminal) say('Say something, or: last N, find WORD, stats. Ctrl-D ends.');
    for await (const line of linesOf(input, isTerminal ? output : undefined, signal)) {
      const text = line.trim();
      if (text === '') continue;
      const question = await scrivener.write(asked(text));
      await scrivener.waitFor(question, isAnswerTo(question), { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    answers.unsubscribe();
  }
}

/**
 * @param {ChatScrivener} scrivener
 * @param {AbortSignal} signal
 */
async function openQuestionAnswered(scrivener, signal) {
  for await (const { position, entry } of scrivener.readBackward()) {
    if (entry.type === 'Asked') return scrivener.waitFor(position, isAnswerTo(position), { signal });
  }
}

/**
 * The lines of an input, each read when it is asked for; with an `output`, a prompt for each.
 *
 * @param {NodeJS.ReadStream} input
 * @param {NodeJS.WriteStream | undefined} output - a terminal
 * @param {AbortSignal} signal
 */
async function* linesOf(input, output, signal) {
  input.setEncoding('utf8');
  const lines = createInterface({ input, output, terminal: output !== undefined, prompt: 'you: ', signal });
  const prompt = () => output && lines.prompt();
  try {
    prompt();
    for await (const line of lines) {
      if (signal.aborted) return;
      yield line;
      prompt();
    }
  } finally {
    lines.close();
    output?.write('\n');
  }
}
