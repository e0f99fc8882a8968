import { START, type Position, type Positioned } from 'rx-scrivener';
import type { JournalSnapshot } from 'rx-scrivener/react';
import type { ChatEntry } from './chat-entry';

/** Somebody's turn: what a person said, or an answer of the agent, of whose chunks it is made. */
export interface Message {
  readonly key: string;
  readonly who: string;
  readonly isAgent: boolean;
  readonly text: string;
  /** When it was said; not known of an answer that is not complete. */
  readonly at: string | undefined;
  /** The first and the last of its entries. */
  readonly from: Position;
  readonly to: Position;
  readonly isComplete: boolean;
}

/** So many entries of it are kept; earlier ones are read again. */
const MAX_RECORDS = 20_000;

/** A stretch of the journal, as messages. Never changes: what comes makes another one. */
export class Conversation {
  readonly messages: readonly Message[];
  /** What it was made of, from `first` to `last`, both included. */
  readonly #records: readonly Positioned<ChatEntry>[];
  readonly #indices: ReadonlyMap<string, number>;

  private constructor(
    records: readonly Positioned<ChatEntry>[],
    readonly first: Position,
    readonly last: Position,
    folded: { readonly messages: readonly Message[]; readonly indices: ReadonlyMap<string, number> },
  ) {
    this.#records = records;
    this.messages = folded.messages;
    this.#indices = folded.indices;
  }

  /** What a view has of the journal's end. */
  static atEnd({ head, at }: JournalSnapshot<ChatEntry>): Conversation {
    const records = [];
    let first = head + 1;
    for (let record = at(first - 1); record !== undefined; record = at(first - 1)) {
      records.push(record);
      first--;
    }
    return Conversation.#of(records.reverse(), first, head);
  }

  /** Together with what a view has since; begins anew at the end where it has not all of it. */
  extended(snapshot: JournalSnapshot<ChatEntry>): Conversation {
    if (snapshot.head <= this.last) return this;
    const added = [];
    for (let position = this.last + 1; position <= snapshot.head; position++) {
      const record = snapshot.at(position);
      if (record === undefined) return Conversation.atEnd(snapshot);
      added.push(record);
    }
    const spoken = added.filter(isSpoken);
    const records = spoken.length === 0 ? this.#records : [...this.#records, ...spoken];
    if (records.length > MAX_RECORDS) {
      const newest = records.slice(-MAX_RECORDS / 2);
      return Conversation.#of(newest, newest[0]!.position, snapshot.head);
    }
    const folded = fold(spoken, { messages: [...this.messages], indices: new Map(this.#indices) });
    return new Conversation(records, this.first, snapshot.head, folded);
  }

  /** Together with what lies before it, newest first, down to `first`. */
  preceded(records: readonly Positioned<ChatEntry>[], first: Position): Conversation {
    return Conversation.#of([...records.toReversed(), ...this.#records], first, this.last);
  }

  /** Without what lies behind a position. */
  upTo(last: Position): Conversation {
    if (last >= this.last) return this;
    const records = this.#records.filter(({ position }) => position <= last);
    return Conversation.#of(records, Math.min(this.first, last + 1), last);
  }

  static #of(records: readonly Positioned<ChatEntry>[], first: Position, last: Position): Conversation {
    const spoken = records.filter(isSpoken);
    return new Conversation(spoken, first, last, fold(spoken, { messages: [], indices: new Map() }));
  }

  static readonly empty = Conversation.#of([], 1, START);
}

/** Whether an entry shows in a conversation. */
export function isSpoken({ entry }: Positioned<ChatEntry>): boolean {
  return entry.type !== 'Measured';
}

interface Folding {
  readonly messages: Message[];
  readonly indices: Map<string, number>;
}

function fold(records: readonly Positioned<ChatEntry>[], folding: Folding): Folding {
  for (const record of records) {
    const key = keyOf(record);
    const index = folding.indices.get(key);
    if (index === undefined) {
      folding.indices.set(key, folding.messages.length);
      folding.messages.push(begin(key, record));
    } else {
      folding.messages[index] = goOn(folding.messages[index]!, record);
    }
  }
  return folding;
}

function keyOf({ position, entry }: Positioned<ChatEntry>): string {
  return entry.type === 'Chunk' || entry.type === 'Answered' ? `answer-${entry.inReplyTo}` : `said-${position}`;
}

function begin(key: string, { position, entry }: Positioned<ChatEntry>): Message {
  const place = { key, from: position, to: position };
  if (entry.type === 'Said') {
    return { ...place, who: entry.who, isAgent: false, text: entry.text, at: entry.at, isComplete: true };
  }
  const begun = { ...place, who: 'Agent', isAgent: true, text: '', at: undefined, isComplete: false };
  return goOn(begun, { position, entry });
}

function goOn(message: Message, { position, entry }: Positioned<ChatEntry>): Message {
  if (entry.type === 'Chunk') return { ...message, text: message.text + entry.text, to: position };
  if (entry.type === 'Answered') return { ...message, at: entry.at, to: position, isComplete: true };
  return message;
}
