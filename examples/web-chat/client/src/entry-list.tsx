import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { Positioned } from 'rx-scrivener';
import type { JournalSnapshot } from 'rx-scrivener/react';
import type { ChatEntry } from './chat-entry';
import { JournalRows } from './entry-rows';
import { RowListing, type RowListingHandle } from './row-listing';

interface EntryListProps {
  readonly snapshot: JournalSnapshot<ChatEntry>;
  readonly flushed: number;
  readonly target: { readonly position: number } | undefined;
  readonly onOpen: (record: Positioned<ChatEntry>) => void;
}

/** The whole journal. */
export function EntryList({ snapshot, flushed, target, onOpen }: EntryListProps) {
  const { first, at } = snapshot;
  const [rows] = useState(() => new JournalRows(snapshot));
  const listing = useRef<RowListingHandle>(null);
  useLayoutEffect(() => {
    Object.assign(rows, { snapshot, flushed });
  });
  useEffect(() => {
    if (target) listing.current?.jump(target.position - first);
    // Only when one is looked for: not again when the journal loses its beginning.
  }, [target]);
  const open = (index: number) => {
    const record = at(first + index);
    if (record) onOpen(record);
  };

  return (
    <>
      <RowListing ref={listing} label="Entries" testId="entries" rows={rows} onOpen={open} />
      {first > 1 && <p className="note">Entries before {first} are not kept any more.</p>}
    </>
  );
}
