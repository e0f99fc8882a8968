// What the journal of a chat holds.
// @ts-check

/** @typedef {import('rx-scrivener').Position} Position */
/**
 * @template T
 * @typedef {import('rx-scrivener').Positioned<T>} Positioned
 */

/** @typedef {{ type: 'Asked', at: string, text: string }} Asked what you typed */
/** @typedef {{ type: 'Answered', at: string, text: string, inReplyTo: Position }} Answered what the agent said to it */
/** @typedef {Asked | Answered} ChatEntry */

const LONGEST_SUMMARY = 100;

/**
 * @param {string} text
 * @returns {Asked}
 */
export function asked(text) {
  return { type: 'Asked', at: new Date().toISOString(), text };
}

/**
 * @param {Position} inReplyTo
 * @param {string} text
 * @returns {Answered}
 */
export function answered(inReplyTo, text) {
  return { type: 'Answered', at: new Date().toISOString(), text, inReplyTo };
}

/**
 * A matcher for the answer to the question at a position.
 *
 * @param {Position} question
 * @returns {(entry: ChatEntry) => entry is Answered}
 */
export function isAnswerTo(question) {
  return /** @type {(entry: ChatEntry) => entry is Answered} */ (
    (entry) => entry.type === 'Answered' && entry.inReplyTo === question
  );
}

/** @param {ChatEntry} entry */
export function speaker(entry) {
  return entry.type === 'Asked' ? 'you' : 'agent';
}

/**
 * An entry on one line, cut where it gets long.
 *
 * @param {Positioned<ChatEntry>} record
 */
export function summarize({ position, entry }) {
  const [start] = /** @type {RegExpExecArray} */ (new RegExp(`^.{0,${LONGEST_SUMMARY}}`, 'su').exec(entry.text));
  const line = start.replace(/\s+/g, ' ');
  return `#${position} ${speaker(entry)}: ${line}${start.length < entry.text.length ? '…' : ''}`;
}

/**
 * Keeps out of the journal what is no entry of a chat, and refuses to open another program's journal. Any validator that follows
 * https://standardschema.dev does (Zod, Valibot, ArkType, …); this is one by hand.
 *
 * @type {import('@standard-schema/spec').StandardSchemaV1<unknown, ChatEntry>}
 */
export const chatEntrySchema = {
  '~standard': {
    version: 1,
    vendor: 'console-chat',
    validate(value) {
      const { type, at, text, inReplyTo } = /** @type {Record<string, unknown>} */ (value ?? {});
      const isChatEntry =
        typeof text === 'string' &&
        typeof at === 'string' &&
        (type === 'Asked' || (type === 'Answered' && Number.isSafeInteger(inReplyTo)));
      if (!isChatEntry) return { issues: [{ message: 'it is no entry of a chat' }] };
      return { value: /** @type {ChatEntry} */ (value) };
    },
  },
};
