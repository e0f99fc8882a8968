import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';
import type { JournalSnapshot } from 'rx-scrivener/react';
import type { ChatEntry } from './chat-entry';
import type { Run } from './chat-server';
import { EntryHead, EntryRow, ROW_HEIGHT, textOf } from './entry-row';
import type { EntryFilter } from './journal-panel';
import { useMatches } from './use-matches';

interface MatchListProps {
  readonly run: Run;
  readonly snapshot: JournalSnapshot<ChatEntry>;
  readonly flushed: number;
  readonly filter: EntryFilter;
}

export function MatchList({ run, snapshot, flushed, filter }: MatchListProps) {
  const isMatch = useMemo(() => {
    const text = filter.text.trim().toLowerCase();
    return (entry: ChatEntry) =>
      (filter.types.length === 0 || filter.types.includes(entry.type)) && textOf(entry).toLowerCase().includes(text);
  }, [filter]);
  const { matches, isSearching, more } = useMatches(run, snapshot, isMatch);
  const records = matches?.records ?? [];
  const list = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: records.length,
    getScrollElement: () => list.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => records[index]!.position,
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: ROW_HEIGHT,
    overscan: 8,
  });

  return (
    <div className="listing">
      <div className="table" role="table" aria-label="Matching entries" aria-rowcount={records.length + 1}>
        <EntryHead />
        <div
          className="entries"
          ref={list}
          tabIndex={0}
          role="rowgroup"
          aria-label="Matching entries"
          data-testid="matches"
        >
          <div className="canvas" role="presentation" style={{ height: rows.getTotalSize() }}>
            {rows.getVirtualItems().map(({ index, start }) => {
              const { position, entry } = records[index]!;
              return (
                <EntryRow
                  key={position}
                  position={position}
                  entry={entry}
                  isFlushed={position <= flushed}
                  isFound={false}
                  top={start}
                />
              );
            })}
          </div>
        </div>
      </div>
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
    </div>
  );
}
