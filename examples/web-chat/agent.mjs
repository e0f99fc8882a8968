// The agent's side: waits for what people say, and streams its answers into the journal, a chunk an entry.
// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentHost, START } from 'rx-scrivener';
import { answerTo } from './answers.mjs';

/** @typedef {import('rx-scrivener').Position} Position */
/** @typedef {import('./client/src/chat-entry').ChatEntry} ChatEntry */
/** @typedef {import('rx-scrivener/file').FileScrivener<ChatEntry>} ChatScrivener */

/**
 * The agent hears what people say, and says its chunks.
 *
 * @type {import('rx-scrivener').MessageCodec<ChatEntry, ChatEntry>}
 */
const codec = {
  toEntry: (message) => message,
  toMessage: (entry) => (entry.type === 'Said' ? entry : undefined),
};

/**
 * Answers each thing that is said, in turn, until the signal aborts.
 *
 * It keeps no state of its own: what it was saying when the process ended is in the journal, and it goes on behind the last chunk.
 *
 * @param {ChatScrivener} scrivener
 * @param {{ signal: AbortSignal, chunkMs: number }} options - `chunkMs`: how long it thinks about each chunk
 */
export async function agent(scrivener, { signal, chunkMs }) {
  const host = new AgentHost(scrivener, codec);
  let last = await lastAnswered(scrivener);
  for (;;) {
    const { position, entry } = await host.waitForMessage(last, { signal });
    if (entry.type !== 'Said') continue; // the codec lets nothing else through
    if (!(await burst(scrivener, entry.text, signal))) {
      const done = await chunksSaid(scrivener, position);
      for (const text of answerTo(entry.text, position).slice(done)) {
        await sleep(chunkMs, undefined, { signal });
        await host.sendMessage({ type: 'Chunk', inReplyTo: position, text });
      }
    }
    await host.sendMessage({ type: 'Answered', at: new Date().toISOString(), inReplyTo: position });
    last = position;
  }
}

/**
 * What was answered last.
 *
 * @param {ChatScrivener} scrivener
 * @returns {Promise<Position>}
 */
async function lastAnswered(scrivener) {
  for await (const { entry } of scrivener.readBackward()) if (entry.type === 'Answered') return entry.inReplyTo;
  return START;
}

/**
 * How many chunks of the answer to a question are in the journal.
 *
 * @param {ChatScrivener} scrivener
 * @param {Position} question
 */
async function chunksSaid(scrivener, question) {
  let count = 0;
  for await (const { position, entry } of scrivener.readBackward()) {
    if (position <= question) break;
    if (entry.type === 'Chunk' && entry.inReplyTo === question) count++;
  }
  return count;
}

const BURST_PER_SECOND = 5_000;
const LONGEST_BURST_S = 60;

/**
 * `burst N` is for looking at load: 5,000 entries a second, for N seconds. Resolves with whether it was one.
 *
 * @param {ChatScrivener} scrivener
 * @param {string} text
 * @param {AbortSignal} signal
 */
async function burst(scrivener, text, signal) {
  const [, seconds] = /^burst (\d{1,2})$/i.exec(text.trim()) ?? [];
  if (seconds === undefined) return false;
  const count = Math.min(Number(seconds), LONGEST_BURST_S) * BURST_PER_SECOND;
  const start = performance.now();
  for (let written = 0; written < count;) {
    const due = Math.min(count, Math.ceil(((performance.now() - start) / 1_000) * BURST_PER_SECOND));
    for (; written < due; written++)
      scrivener.append({ type: 'Measured', value: Math.round(Math.sin(written / 200) * 1_000) });
    await sleep(4, undefined, { signal });
  }
  return true;
}
