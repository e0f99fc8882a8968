import { useEffect, useLayoutEffect, useState } from 'react';
import { PositionTrimmedError, type Position, type Positioned } from 'rx-scrivener';
import type { JournalSnapshot } from 'rx-scrivener/react';
import type { ChatEntry } from './chat-entry';
import { isOfEndedRun, type Run } from './chat-server';

const MATCHES = 200;
const MAX_MATCHES = 5_000;
const TELL_EVERY = 500;

export interface Matches {
  /** Oldest first. */
  readonly records: readonly Positioned<ChatEntry>[];
  /** What was looked at, both included. */
  readonly from: Position;
  readonly to: Position;
}

/** The newest entries that match, and further ones as they come; `more` looks further back. */
export function useMatches(run: Run, snapshot: JournalSnapshot<ChatEntry>, isMatch: (entry: ChatEntry) => boolean) {
  const [matches, setMatches] = useState<Matches>();
  const [wanted, setWanted] = useState(MATCHES);

  const isOpen = snapshot.caughtUp;
  useEffect(() => {
    setMatches(isOpen ? noneBehind(snapshot.head) : undefined);
    setWanted(MATCHES);
    // Begins anew with another filter or server; what comes is looked at below.
  }, [run, isMatch, isOpen]);

  const isSearching = matches !== undefined && matches.from > 1 && matches.records.length < wanted;
  const from = matches?.from;
  useEffect(() => {
    if (!isSearching || from === undefined) return;
    const controller = new AbortController();
    void search(run, from, isMatch, controller.signal).then((found) => {
      if (found === undefined) return;
      setMatches((known) => {
        if (known?.from !== from) return known;
        return { ...known, records: [...found.records, ...known.records], from: found.from };
      });
    });
    return () => controller.abort();
  }, [run, isMatch, isSearching, from]);

  useLayoutEffect(() => {
    setMatches((known) => {
      if (known === undefined || snapshot.head <= known.to) return known;
      const added = [];
      for (let position = known.to + 1; position <= snapshot.head; position++) {
        const record = snapshot.at(position);
        // More has come than the view keeps.
        if (record === undefined) return noneBehind(snapshot.head);
        if (isMatch(record.entry)) added.push(record);
      }
      const records = added.length === 0 ? known.records : [...known.records, ...added].slice(-MAX_MATCHES);
      return { ...known, records, to: snapshot.head };
    });
  }, [snapshot, isMatch]);

  const more = () => setWanted((matches?.records.length ?? 0) + MATCHES);
  return { matches, isSearching, more };
}

function noneBehind(head: Position): Matches {
  return { records: [], from: head + 1, to: head };
}

/** Looks at some entries before a position; `undefined` once nobody wants to know. */
async function search(
  { journal }: Run,
  before: Position,
  isMatch: (entry: ChatEntry) => boolean,
  signal: AbortSignal,
): Promise<Pick<Matches, 'records' | 'from'> | undefined> {
  const records: Positioned<ChatEntry>[] = [];
  let from = 1;
  try {
    for await (const record of journal.readBackward(before, { signal })) {
      if (isMatch(record.entry)) records.push(record);
      if (before - record.position < TELL_EVERY) continue;
      from = record.position;
      break;
    }
  } catch (error) {
    if (signal.aborted || isOfEndedRun(error)) return undefined;
    if (!(error instanceof PositionTrimmedError)) throw error;
  }
  return { records: records.reverse(), from };
}
