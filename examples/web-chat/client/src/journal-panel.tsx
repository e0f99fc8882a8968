import { useDeferredValue, useState } from 'react';
import type { JournalSnapshot } from 'rx-scrivener/react';
import type { ChatEntry } from './chat-entry';
import type { Run } from './chat-server';
import { EntryList } from './entry-list';
import { MatchList } from './match-list';
import { Timeline } from './timeline';

export const TYPES = ['Said', 'Chunk', 'Answered', 'Measured'] as const;

/** Which entries to show; all of them where it is empty. */
export interface EntryFilter {
  readonly types: readonly ChatEntry['type'][];
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
  if (seen !== target) {
    setSeen(target);
    setFilter({ types: [], text: '' });
  }
  const searched = useDeferredValue(filter);
  const toggle = (type: ChatEntry['type']) =>
    setFilter(({ types, text }) => ({
      text,
      types: types.includes(type) ? types.filter((each) => each !== type) : [...types, type],
    }));
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
          <div className="types" role="group" aria-label="Types to show">
            {TYPES.map((type) => (
              <button key={type} type="button" aria-pressed={filter.types.includes(type)} onClick={() => toggle(type)}>
                {type}
              </button>
            ))}
          </div>
          <p className="legend" aria-hidden="true">
            <span className="flushed" data-flushed="true" /> flushed <span className="flushed" /> not yet
          </p>
        </div>
      </div>
      {isFiltered ? (
        <MatchList run={run} snapshot={snapshot} flushed={flushed} filter={searched} />
      ) : (
        <EntryList snapshot={snapshot} flushed={flushed} target={target} />
      )}
    </aside>
  );
}
