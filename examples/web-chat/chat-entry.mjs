// Keeps out of the journal what is no entry of the chat.
// @ts-check

/** @typedef {import('rx-scrivener').Position} Position */
/** @typedef {import('./client/src/chat-entry').ChatEntry} ChatEntry */

const MAX_TEXT = 4_000;
const MAX_NAME = 40;

/**
 * What is no entry of a chat is not written, and it refuses to open another program's journal. Any validator that follows
 * https://standardschema.dev does; this is one by hand.
 *
 * @type {import('@standard-schema/spec').StandardSchemaV1<unknown, ChatEntry>}
 */
export const chatEntrySchema = {
  '~standard': {
    version: 1,
    vendor: 'web-chat',
    validate(value) {
      const entry = toEntry(/** @type {Record<string, unknown>} */ (value ?? {}));
      return entry ? { value: entry } : { issues: [{ message: 'it is no entry of a chat' }] };
    },
  },
};

/**
 * What people may write: the agent's entries are its own.
 *
 * @type {import('@standard-schema/spec').StandardSchemaV1<unknown, ChatEntry>}
 */
export const saidSchema = {
  '~standard': {
    version: 1,
    vendor: 'web-chat',
    validate(value) {
      const entry = toEntry(/** @type {Record<string, unknown>} */ (value ?? {}));
      return entry?.type === 'Said' ? { value: entry } : { issues: [{ message: 'it is nothing that somebody said' }] };
    },
  },
};

/**
 * @param {Record<string, unknown>} value
 * @returns {ChatEntry | undefined}
 */
function toEntry({ type, at, who, id, text, inReplyTo, value }) {
  switch (type) {
    case 'Said':
      return isText(at, 30) && isText(who, MAX_NAME) && isText(id, 64) && isText(text, MAX_TEXT)
        ? { type, at, who, id, text }
        : undefined;
    case 'Chunk':
      return isPosition(inReplyTo) && isText(text, MAX_TEXT) ? { type, inReplyTo, text } : undefined;
    case 'Answered':
      return isPosition(inReplyTo) && isText(at, 30) ? { type, at, inReplyTo } : undefined;
    case 'Measured':
      return typeof value === 'number' ? { type, value } : undefined;
    default:
      return undefined;
  }
}

/**
 * @param {unknown} value
 * @param {number} length
 * @returns {value is string}
 */
function isText(value, length) {
  return typeof value === 'string' && value.length >= 1 && value.length <= length;
}

/**
 * @param {unknown} value
 * @returns {value is Position}
 */
function isPosition(value) {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}
