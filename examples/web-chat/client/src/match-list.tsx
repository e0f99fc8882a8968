import { useLayoutEffect, useMemo, useState } from 'react';
import type { Positioned } from 'rx-scrivener';
import type { JournalSnapshot } from 'rx-scrivener/react';
import type { ChatEntry } from './chat-entry';
import type { Run } from './chat-server';
import { MatchRows, textOf } from './entry-rows';
import type { EntryFilter } from './journal-panel';
import { RowListing } from './row-listing';
import { useMatches } from './use-matches';

interface MatchListProps {
  readonly run: Run;
  readonly snapshot: JournalSnapshot<ChatEntry>;
  readonly flushed: number;
  readonly filter: EntryFilter;
  readonly onOpen: (record: Positioned<ChatEntry>) => void;
}

export function MatchList({ run, snapshot, flushed, filter, onOpen }: MatchListProps) {
  const isMatch = useMemo(() => {
    const text = filter.text.trim().toLowerCase();
    return (entry: ChatEntry) =>
      (filter.types.length === 0 || filter.types.includes(entry.type)) && textOf(entry).toLowerCase().includes(text);
  }, [filter]);
  const { matches, isSearching, more } = useMatches(run, snapshot, isMatch);
  const records = matches?.records ?? [];
  const [rows] = useState(() => new MatchRows());
  useLayoutEffect(() => {
    Object.assign(rows, { records, flushed });
  });

  return (
    <>
      <RowListing label="Matching entries" testId="matches" rows={rows} onOpen={(index) => onOpen(records[index]!)} />
      <p className="note" role="status">
        {isSearching
          ? `Searching, back to entry ${(matches?.from ?? 0).toLocaleString('en')}…`
          : `${records.length.toLocaleString('en')} ${records.length === 1 ? 'entry' : 'entries'}`}
        {!isSearching && matches !== undefined && matches.from > 1 && (
          <button type="button" onClick={more}>
            Search before entry {matches.from.toLocaleString('en')}
          </button>
        )}
      </p>
    </>
  );
}
