// What the agent knows. It needs no network, and says the same each time.
// @ts-check

/** @typedef {import('rx-scrivener').Position} Position */

/** @type {readonly (readonly [RegExp, string])[]} */
const KNOWN = [
  [
    /\b(restart|crash|kill|power|survive)/i,
    'Nothing you see as flushed. Every entry is one line of an NDJSON file, and it counts as flushed once the file has it. ' +
      'Kill me with kill -9 in the middle of this sentence and start me again: the journal is recovered from the file, ' +
      'I find the question that has no complete answer yet, and go on behind my last chunk. Your tab connects again by itself ' +
      'and reads on from the position it had.',
  ],
  [
    /\b(position|order|sequence|gap)/i,
    'A position is a place in the journal: 1, 2, 3 and so on, without gaps, and never used twice. Whoever has seen entry 41 asks ' +
      'for what is behind 41, and gets 42 next, be it an hour old or not written yet. That is all that two tabs need ' +
      'to show the same conversation in the same order.',
  ],
  [
    /\b(stream|chunk|token)/i,
    'Each piece of this answer is an entry of its own, of the type Chunk, with the position of your question in it. The conversation joins ' +
      'them into one message; the list beside it shows them as they are. A tab that opens now gets the chunks there are, and then the rest.',
  ],
  [
    /\b(what|who|help|journal|this)\b/i,
    'This is a chat that has no state but its journal: an append-only log, kept in a file, that is an RxJS Observable. ' +
      'You write to it, I write to it, and every open tab tails it. Ask me about positions, chunks, or what survives a crash; ' +
      'count 20 counts, and burst 3 writes 5,000 entries a second for three seconds.',
  ],
];

/**
 * The chunks of an answer.
 *
 * @param {string} text
 * @param {Position} position - of what was said
 * @returns {string[]}
 */
export function answerTo(text, position) {
  const [, count] = /^count (\d{1,4})$/i.exec(text.trim()) ?? [];
  if (count !== undefined)
    return Array.from({ length: Number(count) }, (_, index) => `${index === 0 ? '' : ' '}${index + 1}`);
  const [, known] = KNOWN.find(([pattern]) => pattern.test(text)) ?? [];
  const answer =
    known ??
    `Noted: that is entry ${position} of the journal, and whoever opens this page tomorrow will find it there.`;
  return answer.match(/\s*\S+/g) ?? [];
}
