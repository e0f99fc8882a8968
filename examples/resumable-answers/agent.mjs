// An agent that needs no key: it says a word at a time, and continues after the last word that is in the journal.
// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';
import { currentState } from 'rx-scrivener';

/**
 * An entry of a chat: a chunk, as TanStack AI has them.
 *
 * @typedef {{ type: 'TEXT_MESSAGE_START', messageId: string, role: 'user' | 'assistant' }
 *   | { type: 'TEXT_MESSAGE_CONTENT', messageId: string, delta: string }
 *   | { type: 'TEXT_MESSAGE_END', messageId: string }
 *   | { type: 'RUN_STARTED' | 'RUN_FINISHED', threadId: string, runId: string }} Chunk
 */

/**
 * What a chat adds up to for the agent.
 *
 * @typedef {object} Progress
 * @property {readonly { id: string, text: string }[]} questions those whose answer is not complete, the oldest first
 * @property {number} words how many words of the answer to the first one are said
 */

/** @type {import('rx-scrivener').Projection<Chunk, Progress>} */
const progress = {
  initial: () => ({ questions: [], words: 0 }),
  evolve({ questions, words }, chunk) {
    if (chunk.type === 'TEXT_MESSAGE_START' && chunk.role === 'user')
      return { questions: [...questions, { id: chunk.messageId, text: '' }], words };
    if (chunk.type === 'TEXT_MESSAGE_CONTENT') {
      const index = questions.findIndex(({ id }) => id === chunk.messageId);
      if (index < 0) return { questions, words: words + 1 };
      return { questions: questions.with(index, { id: chunk.messageId, text: chunk.delta }), words };
    }
    return chunk.type === 'RUN_FINISHED' ? { questions: questions.slice(1), words: 0 } : { questions, words };
  },
};

/**
 * Answers each question that has no complete answer.
 *
 * @param {import('rx-scrivener').Scrivener<Chunk>} chat
 * @param {number} wordMs how long it thinks about each word
 */
export async function answer(chat, wordMs) {
  for (;;) {
    const { questions, words } = (await currentState(chat, progress)).state;
    const [question] = questions;
    if (!question) return;
    const [messageId, run] = [`answer-${question.id}`, { threadId: 'chat', runId: `run-${question.id}` }];
    await chat.write({ type: 'RUN_STARTED', ...run });
    if (words === 0) await chat.write({ type: 'TEXT_MESSAGE_START', messageId, role: 'assistant' });
    for (const delta of wordsOf(question.text).slice(words)) {
      await sleep(wordMs);
      await chat.write({ type: 'TEXT_MESSAGE_CONTENT', messageId, delta });
    }
    await chat.write({ type: 'TEXT_MESSAGE_END', messageId });
    await chat.write({ type: 'RUN_FINISHED', ...run });
  }
}

/**
 * The same answer each time: it counts.
 *
 * @param {string} question
 */
function wordsOf(question) {
  const [count = '100'] = /\d{1,4}/.exec(question) ?? [];
  return Array.from({ length: Number(count) }, (_, index) => `${index === 0 ? '' : ' '}${index + 1}`);
}
