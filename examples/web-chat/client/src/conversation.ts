import { START, type Position, type Positioned } from 'rx-scrivener';
import type { JournalSnapshot } from 'rx-scrivener/react';
import { addTo } from '../../conversation.mjs';
import type { ChatEntry } from './chat-entry';
import type { Message } from './message';

/** A stretch of the journal, both ends included, as messages. */
export interface Conversation {
  readonly first: Position;
  readonly last: Position;
  readonly messages: readonly Message[];
}

export const NOTHING_SAID: Conversation = { first: 1, last: START, messages: [] };

/** More are not kept; earlier ones are read again. */
const MAX_MESSAGES = 2_000;

/** Together with what a view has since; `undefined` where it has not all of it. */
export function extended(
  { first, last, messages }: Conversation,
  { head, at }: JournalSnapshot<ChatEntry>,
): Conversation | undefined {
  const all = [...messages];
  for (let position = last + 1; position <= head; position++) {
    const record = at(position);
    if (record === undefined) return undefined;
    addTo(all, record.entry, position);
  }
  if (all.length <= MAX_MESSAGES) return { first, last: Math.max(last, head), messages: all };
  const newest = all.slice(-MAX_MESSAGES / 2);
  return { first: newest[0]!.from, last: head, messages: newest };
}

/** What is known of it, and the newest part, as it is now. */
export function joined(known: Conversation, newest: Conversation): Conversation {
  if (known.last + 1 < newest.first) return newest;
  const isNew = new Set(newest.messages.map(({ key }) => key));
  const kept = known.messages.filter(({ key, from }) => from < newest.first && !isNew.has(key));
  const first = Math.min(known.first, newest.first);
  return { ...newest, first, messages: [...kept, ...newest.messages] };
}

/** Together with what lies before it, newest first, down to `first`. */
export function preceded(
  { last, messages }: Conversation,
  records: readonly Positioned<ChatEntry>[],
  first: Position,
): Conversation {
  const earlier: Message[] = [];
  for (const { entry, position } of records.toReversed()) addTo(earlier, entry, position);
  // An answer may have begun before it.
  const later = new Map(messages.map((message) => [message.key, message]));
  const whole = earlier.map((message) => {
    const rest = later.get(message.key);
    later.delete(message.key);
    return rest ? { ...rest, from: message.from, text: message.text + rest.text } : message;
  });
  return { first, last, messages: [...whole, ...later.values()] };
}

/** Without what another process may not have. */
export function upTo({ first, messages }: Conversation, last: Position): Conversation {
  return { first: Math.min(first, last + 1), last, messages: messages.filter(({ to }) => to <= last) };
}
