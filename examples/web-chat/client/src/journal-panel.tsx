import { useDeferredValue, useState } from 'react';
import type { Positioned } from 'rx-scrivener';
import type { JournalSnapshot } from 'rx-scrivener/react';
import type { ChatEntry } from './chat-entry';
import type { Run } from './chat-server';
import { EntryList } from './entry-list';
import { MatchList } from './match-list';
import { OpenedEntry } from './opened-entry';
import { Timeline } from './timeline';
import { TypeChoice } from './type-choice';

/** Which entries to show; all of them where it is empty. */
export interface EntryFilter {
  readonly types: readonly string[];
  readonly text: string;
}

interface JournalPanelProps {
  readonly run: Run;
  readonly snapshot: JournalSnapshot<ChatEntry>;
  readonly flushed: number;
  readonly target: { readonly position: number } | undefined;
}

export function JournalPanel({ run, snapshot, flushed, target }: JournalPanelProps) {
  const [filter, setFilter] = useState<EntryFilter>({ types: [], text: '' });
  const [seen, setSeen] = useState(target);
  const [opened, setOpened] = useState<Positioned<ChatEntry>>();
  /** So many were looked for: each begins with all entries. */
  const [looked, setLooked] = useState(0);
  if (seen !== target) {
    setSeen(target);
    setLooked(looked + 1);
    setFilter({ types: [], text: '' });
  }
  const searched = useDeferredValue(filter);
  const isFiltered = searched.text.trim() !== '' || searched.types.length > 0;

  return (
    <aside className="journal" aria-label="Journal">
      <div className="tools">
        <h2>Journal</h2>
        <Timeline head={snapshot.head} isOpen={snapshot.caughtUp} />
        <input
          type="search"
          aria-label="Search the entries"
          placeholder="Search the entries"
          value={filter.text}
          onChange={(event) => setFilter(({ types }) => ({ types, text: event.target.value }))}
        />
        <div className="kinds">
          <TypeChoice key={looked} onChange={(types) => setFilter(({ text }) => ({ text, types: [...types] }))} />
          <p className="legend" aria-hidden="true">
            <span className="flushed" data-flushed="true" /> flushed <span className="flushed" /> not yet
          </p>
        </div>
      </div>
      {isFiltered ? (
        <MatchList run={run} snapshot={snapshot} flushed={flushed} filter={searched} onOpen={setOpened} />
      ) : (
        <EntryList snapshot={snapshot} flushed={flushed} target={target} onOpen={setOpened} />
      )}
      {opened && <OpenedEntry record={opened} onClose={() => setOpened(undefined)} />}
    </aside>
  );
}
