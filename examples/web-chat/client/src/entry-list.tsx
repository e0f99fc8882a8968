import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import type { JournalSnapshot } from 'rx-scrivener/react';
import type { ChatEntry } from './chat-entry';
import { EntryHead, EntryRow, ROW_HEIGHT } from './entry-row';

interface EntryListProps {
  readonly snapshot: JournalSnapshot<ChatEntry>;
  readonly flushed: number;
  readonly target: { readonly position: number } | undefined;
}

/** The whole journal, of which what is on the screen is read. */
export function EntryList({ snapshot, flushed, target }: EntryListProps) {
  const { head, first, at, show } = snapshot;
  const list = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: head - first + 1,
    getScrollElement: () => list.current,
    estimateSize: () => ROW_HEIGHT,
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: ROW_HEIGHT,
    overscan: 8,
  });
  const items = rows.getVirtualItems();
  const [from, to] = [first + (items.at(0)?.index ?? 0), first + (items.at(-1)?.index ?? -1)];
  useEffect(() => show(from, to), [show, from, to]);

  const isOpen = head > 0;
  useEffect(() => {
    if (isOpen) rows.scrollToEnd();
  }, [isOpen, rows]);
  useEffect(() => {
    if (target) rows.scrollToIndex(target.position - first, { align: 'center' });
    // Only when one is looked for: not again when the journal loses its beginning.
  }, [target, rows]);

  return (
    <div className="listing">
      <div className="table" role="table" aria-label="Entries" aria-rowcount={head + 1}>
        <EntryHead />
        <div className="entries" ref={list} tabIndex={0} role="rowgroup" aria-label="Entries" data-testid="entries">
          <div className="canvas" role="presentation" style={{ height: rows.getTotalSize() }}>
            {items.map(({ index, start }) => (
              <EntryRow
                key={first + index}
                position={first + index}
                entry={at(first + index)?.entry}
                isFlushed={first + index <= flushed}
                isFound={target?.position === first + index}
                top={start}
              />
            ))}
          </div>
        </div>
      </div>
      {first > 1 && <p className="note">Entries before {first} are not kept any more.</p>}
      <button type="button" className="newest" hidden={head === 0 || to >= head} onClick={() => rows.scrollToEnd()}>
        Newest entry
      </button>
    </div>
  );
}
