import { memo } from 'react';
import type { ChatEntry } from './chat-entry';

export const ROW_HEIGHT = 32;

interface EntryRowProps {
  readonly position: number;
  /** `undefined` while it is being read. */
  readonly entry: ChatEntry | undefined;
  readonly isFlushed: boolean;
  readonly isFound: boolean;
  readonly top: number;
}

export const EntryRow = memo(function EntryRow({ position, entry, isFlushed, isFound, top }: EntryRowProps) {
  return (
    <div
      role="row"
      aria-rowindex={position + 1}
      className="entry"
      data-position={position}
      data-found={isFound || undefined}
      style={{ transform: `translateY(${top}px)` }}
    >
      <span role="cell" className="flushed" data-flushed={isFlushed}>
        <span className="hidden">{isFlushed ? 'flushed' : 'not flushed'}</span>
      </span>
      <span role="cell" className="position">
        {position}
      </span>
      <span role="cell" className="type" data-type={entry?.type}>
        {entry?.type ?? '…'}
      </span>
      <span role="cell" className="text">
        {entry && textOf(entry)}
      </span>
    </div>
  );
});

/** What is shown, and searched, of an entry. */
export function textOf(entry: ChatEntry): string {
  switch (entry.type) {
    case 'Said':
      return `${entry.who}: ${entry.text}`;
    case 'Chunk':
      return entry.text.trimStart();
    case 'Answered':
      return `to ${entry.inReplyTo}`;
    case 'Measured':
      return String(entry.value);
  }
}

export function EntryHead() {
  return (
    <div role="row" aria-rowindex={1} className="entry head">
      <span role="columnheader" className="flushed">
        <span className="hidden">Flushed</span>
      </span>
      <span role="columnheader" className="position">
        Position
      </span>
      <span role="columnheader" className="type">
        Type
      </span>
      <span role="columnheader" className="text">
        Entry
      </span>
    </div>
  );
}
