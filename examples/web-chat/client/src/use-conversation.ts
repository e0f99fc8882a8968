import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { PositionTrimmedError, type Position, type Positioned } from 'rx-scrivener';
import type { JournalSnapshot } from 'rx-scrivener/react';
import type { ChatEntry } from './chat-entry';
import type { Run } from './chat-server';
import { Conversation } from './conversation';

/** So many messages are read at once when one scrolls back. */
const MESSAGES = 20;
const PAGE = 100;

/** The journal as a conversation, and how to read on before its beginning. */
export function useConversation(run: Run, snapshot: JournalSnapshot<ChatEntry>) {
  const [conversation, setConversation] = useState(Conversation.empty);
  const [isReading, setReading] = useState(false);
  const current = useRef(conversation);
  current.current = conversation;
  const reading = useRef<AbortController>(undefined);
  const shown = useRef<Run>(undefined);

  // Before the browser draws: the list and the conversation are of the same frame.
  useLayoutEffect(() => {
    if (!snapshot.caughtUp) return;
    const isOther = shown.current !== run;
    shown.current = run;
    setConversation((before) => {
      const known = isOther ? before.upTo(run.safe) : before;
      return known.last === 0 ? Conversation.atEnd(snapshot) : known.extended(snapshot);
    });
  }, [run, snapshot]);

  useEffect(() => {
    return () => {
      reading.current?.abort();
      reading.current = undefined;
      setReading(false);
    };
  }, [run]);

  const readOn = useCallback(() => {
    if (reading.current || current.current.first <= 1) return;
    const controller = (reading.current = new AbortController());
    setReading(true);
    void readBefore(run, current.current, controller.signal, (records, first, before) => {
      // What was read has to fit: meanwhile the conversation may have begun anew.
      setConversation((now) => (now.first === before ? now.preceded(records, first) : now));
    }).finally(() => {
      if (reading.current !== controller) return;
      reading.current = undefined;
      setReading(false);
    });
  }, [run]);

  return { conversation, isReading, readOn };
}

/** Reads until there are some messages more, a page at a time. */
async function readBefore(
  { journal }: Run,
  { first }: Conversation,
  signal: AbortSignal,
  tell: (records: readonly Positioned<ChatEntry>[], first: Position, before: Position) => void,
): Promise<void> {
  let before = first;
  let records: Positioned<ChatEntry>[] = [];
  let messages = 0;
  try {
    for await (const record of journal.readBackward(before, { signal })) {
      records.push(record);
      const { entry, position } = record;
      if (entry.type === 'Said' || entry.type === 'Answered') messages++;
      if (records.length < PAGE && position > 1) continue;
      tell(records, position, before);
      before = position;
      records = [];
      if (messages >= MESSAGES) return;
    }
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof PositionTrimmedError)) throw error;
    tell(records, 1, before);
  }
}
