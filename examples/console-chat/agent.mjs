// The agent's side: reads questions from the journal, and writes answers to it.
// @ts-check
import { concatMap, defaultIfEmpty, filter, firstValueFrom, map, reduce, take, toArray } from 'rxjs';
import { entries, isType, START } from 'rx-scrivener';
import { answered, speaker, summarize } from './chat-entry.mjs';

/** @typedef {import('rx-scrivener').Position} Position */
/** @typedef {import('./chat-entry.mjs').ChatEntry} ChatEntry */
/** @typedef {import('rx-scrivener/file').FileScrivener<ChatEntry>} ChatScrivener */

const MOST_SHOWN = 100;

/**
 * Answers each question in turn, for as long as someone is subscribed, and emits the positions of its answers.
 *
 * It keeps no state of its own: the question that the last answer is for tells where to go on, also after a crash.
 *
 * @param {ChatScrivener} scrivener
 */
export function agent(scrivener) {
  return lastAnsweredQuestion(scrivener).pipe(
    concatMap((position) => scrivener.tail(position)),
    filter(({ entry }) => entry.type === 'Asked'),
    concatMap(async ({ position, entry }) => {
      const text = await answerTo(scrivener, position, entry.text);
      return scrivener.write(answered(position, text));
    }),
  );
}

/** @param {ChatScrivener} scrivener */
function lastAnsweredQuestion(scrivener) {
  return scrivener.readBackward().pipe(
    entries(),
    filter(isType('Answered')),
    take(1),
    map((answer) => answer.inReplyTo),
    defaultIfEmpty(START),
  );
}

/**
 * @param {ChatScrivener} scrivener
 * @param {Position} position - of the question: what counts is what the journal held before it
 * @param {string} question
 * @returns {string | Promise<string>}
 */
function answerTo(scrivener, position, question) {
  const { command, argument } = parse(question);
  switch (command) {
    case 'last':
      return last(scrivener, position, argument);
    case 'find':
      return find(scrivener, position, argument);
    case 'stats':
      return stats(scrivener, position);
    default:
      return `Noted as #${position}.`;
  }
}

/** @param {string} question */
function parse(question) {
  const [, command = '', argument = ''] = /^(\S+)\s*(.*)$/s.exec(question) ?? [];
  return { command: command.toLowerCase(), argument };
}

/**
 * @param {ChatScrivener} scrivener
 * @param {Position} before
 * @param {string} count
 */
async function last(scrivener, before, count) {
  if (!/^[1-9]\d*$/.test(count)) return 'How many? `last N` shows the last N entries, N is a whole number from 1.';
  const newest = await firstValueFrom(
    scrivener.readBackward(before).pipe(take(Math.min(Number(count), MOST_SHOWN)), toArray()),
  );
  if (newest.length === 0) return 'There is nothing before this.';
  const lines = newest.reverse().map(summarize);
  if (Number(count) > MOST_SHOWN && newest.length === MOST_SHOWN) lines.unshift(`I show at most ${MOST_SHOWN}:`);
  return lines.join('\n');
}

/**
 * @param {ChatScrivener} scrivener
 * @param {Position} before
 * @param {string} word
 */
async function find(scrivener, before, word) {
  if (word === '') return 'Find what? `find WORD` shows where you said WORD.';
  const found = [];
  let count = 0;
  // A loop pulls: it holds its place in the journal, and no more than it keeps.
  for await (const record of scrivener.readBackward(before)) {
    const { entry } = record;
    if (entry.type !== 'Asked' || parse(entry.text).command === 'find') continue;
    if (!entry.text.toLowerCase().includes(word.toLowerCase())) continue;
    count++;
    if (count <= MOST_SHOWN) found.push(summarize(record));
  }
  if (count === 0) return 'You did not say that yet.';
  const more = count > MOST_SHOWN ? `, the newest ${MOST_SHOWN} of them` : '';
  return [`You said that in ${count} ${count === 1 ? 'entry' : 'entries'}${more}:`, ...found.reverse()].join('\n');
}

/**
 * @param {ChatScrivener} scrivener
 * @param {Position} before
 */
async function stats(scrivener, before) {
  const counts = { you: 0, agent: 0 };
  const { first, latest } = await firstValueFrom(
    scrivener.readBackward(before).pipe(
      entries(),
      reduce(
        (times, entry) => {
          counts[speaker(entry)]++;
          return { first: entry.at, latest: times.latest || entry.at };
        },
        { first: '', latest: '' },
      ),
    ),
  );
  if (latest === '') return 'There is nothing before this.';
  return [
    `entries:  ${before - 1} (you ${counts.you}, agent ${counts.agent})`,
    `first:    ${first}`,
    `last:     ${latest}`,
    `in file:  up to #${scrivener.flushed}`,
  ].join('\n');
}
