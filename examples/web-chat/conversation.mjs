// What the journal adds up to for a reader: its newest messages. The server keeps it with a checkpoint, and a page begins with that.
// @ts-check

/** @typedef {import('rx-scrivener').Position} Position */
/** @typedef {import('./client/src/chat-entry').ChatEntry} ChatEntry */
/** @typedef {import('./client/src/message').Message} Message */

/** So many messages are in the state; earlier ones are read from the journal by who wants them. */
const KEPT = 100;

/**
 * @typedef {object} NewestMessages
 * @property {Position} first where they begin
 * @property {readonly Message[]} messages
 */

/** @type {import('rx-scrivener').Projection<ChatEntry, NewestMessages>} */
export const conversation = {
  initial: () => ({ first: 1, messages: [] }),
  evolve(state, entry, position) {
    if (entry.type === 'Measured') return state;
    const messages = [...state.messages];
    addTo(messages, entry, position);
    if (messages.length <= KEPT) return { ...state, messages };
    const kept = messages.slice(-KEPT);
    return { first: /** @type {Message} */ (kept[0]).from, messages: kept };
  },
};

/**
 * Adds an entry to the messages before it.
 *
 * @param {Message[]} messages
 * @param {ChatEntry} entry
 * @param {Position} position
 */
export function addTo(messages, entry, position) {
  if (entry.type === 'Measured') return;
  const key = entry.type === 'Said' ? `said-${position}` : `answer-${entry.inReplyTo}`;
  const index = messages.findLastIndex((message) => message.key === key);
  const message = messages[index] ?? begun(key, entry, position);
  const grown = { ...message, to: position };
  if (entry.type === 'Chunk') grown.text += entry.text;
  if (entry.type === 'Answered') Object.assign(grown, { at: entry.at, isComplete: true });
  if (index < 0) messages.push(grown);
  else messages[index] = grown;
}

/**
 * @param {string} key
 * @param {Exclude<ChatEntry, { type: 'Measured' }>} entry
 * @param {Position} position
 * @returns {Message}
 */
function begun(key, entry, position) {
  const place = { key, from: position, to: position };
  if (entry.type !== 'Said') return { ...place, who: 'Agent', isAgent: true, text: '', isComplete: false };
  return { ...place, who: entry.who, isAgent: false, text: entry.text, at: entry.at, isComplete: true };
}
