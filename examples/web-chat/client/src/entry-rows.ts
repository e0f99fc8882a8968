import type { Positioned } from 'rx-scrivener';
import type { JournalSnapshot } from 'rx-scrivener/react';
import type { Rows, ShownRow } from '../../../../lib/cli/viewer/page/row-list';
import type { ChatEntry } from './chat-entry';

/** The whole journal, of which what is on the screen is read. */
export class JournalRows implements Rows {
  snapshot: JournalSnapshot<ChatEntry>;
  flushed = 0;

  constructor(snapshot: JournalSnapshot<ChatEntry>) {
    this.snapshot = snapshot;
  }

  get count(): number {
    return this.snapshot.head - this.snapshot.first + 1;
  }

  at(index: number): ShownRow | undefined {
    const record = this.snapshot.at(this.snapshot.first + index);
    return record && rowOf(record, this.flushed);
  }

  show(from: number, to: number): void {
    const { first, show } = this.snapshot;
    show(first + from, first + to);
  }
}

/** Entries that were found. */
export class MatchRows implements Rows {
  records: readonly Positioned<ChatEntry>[] = [];
  flushed = 0;

  get count(): number {
    return this.records.length;
  }

  at(index: number): ShownRow | undefined {
    const record = this.records[index];
    return record && rowOf(record, this.flushed);
  }

  show(): void {
    // All are here.
  }
}

function rowOf({ position, entry }: Positioned<ChatEntry>, flushed: number): ShownRow {
  return { n: position, position, type: entry.type, summary: textOf(entry), isFlushed: position <= flushed };
}

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
