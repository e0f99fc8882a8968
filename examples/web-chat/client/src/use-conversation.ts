import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { currentState, PositionTrimmedError, type Position, type Positioned } from 'rx-scrivener';
import type { JournalSnapshot } from 'rx-scrivener/react';
import { conversation as projection } from '../../conversation.mjs';
import type { ChatEntry } from './chat-entry';
import { isOfEndedRun, type Run } from './chat-server';
import { extended, joined, NOTHING_SAID, preceded, upTo, type Conversation } from './conversation';

/** So many messages are read at once when one scrolls back. */
const MESSAGES = 20;
const PAGE = 100;

/** What is shown, and whose it is: of the run before, until that of the present one is known. */
interface Shown {
  readonly run: Run | undefined;
  readonly conversation: Conversation;
}

/** The journal as a conversation, which begins with the server's checkpoint, and how to read on before its beginning. */
export function useConversation(run: Run, snapshot: JournalSnapshot<ChatEntry>) {
  const [{ run: shownRun, conversation }, setShown] = useState<Shown>({ run: undefined, conversation: NOTHING_SAID });
  const [isReading, setReading] = useState(false);
  const current = useRef(conversation);
  current.current = conversation;
  const reading = useRef<AbortController>(undefined);
  const isOpen = shownRun === run;

  useEffect(() => {
    if (isOpen) return;
    const controller = new AbortController();
    const { journal, checkpoints, safe } = run;
    const begin = async () => {
      const { state, position } = await currentState(journal, projection, { checkpoints, signal: controller.signal });
      setShown((before) => {
        const known = before.run === undefined ? NOTHING_SAID : upTo(before.conversation, safe);
        return { run, conversation: joined(known, { ...state, last: position }) };
      });
    };
    // What the journal fails with, its view shows.
    begin().catch(() => undefined);
    return () => controller.abort();
  }, [run, isOpen]);

  // Before the browser draws: the list and the conversation are of the same frame.
  useLayoutEffect(() => {
    if (!isOpen || !snapshot.caughtUp) return;
    setShown((before) => {
      if (before.run !== run || snapshot.head <= before.conversation.last) return before;
      const conversation = extended(before.conversation, snapshot);
      // More has come than the view keeps: it begins anew.
      return conversation ? { run, conversation } : { run: undefined, conversation: NOTHING_SAID };
    });
  }, [run, isOpen, snapshot]);

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
    readBefore(run, current.current, controller.signal, (records, first, before) => {
      // What was read has to fit: meanwhile the conversation may have begun anew.
      setShown((now) =>
        now.conversation.first === before ? { ...now, conversation: preceded(now.conversation, records, first) } : now,
      );
    }).then(
      () => {
        if (reading.current !== controller) return;
        reading.current = undefined;
        setReading(false);
      },
      (error: unknown) => {
        if (!isOfEndedRun(error)) throw error;
      },
    );
  }, [run]);

  return { conversation, isOpen, isReading, readOn };
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
