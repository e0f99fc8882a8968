// The journal that all four processes have open.
// @ts-check
import { FileBookmarkStore } from 'rx-scrivener/file';
import { consume, writeOnce } from 'rx-scrivener';
import { lastValueFrom, Subject, takeUntil } from 'rxjs';
import { openSharedScrivener, WriteUncertainError } from 'rx-scrivener/shared';

/**
 * A question, which the main agent hands to each subagent; what those report of it; and the answer.
 *
 * @typedef {{ type: 'Asked', text: string }
 *   | { type: 'Delegated', question: number, to: string, text: string }
 *   | { type: 'Reported', question: number, by: string, text: string }
 *   | { type: 'Answered', question: number, text: string }} Entry
 * @typedef {import('rx-scrivener/shared').SharedScrivener<Entry>} Journal
 */

const FILE = process.env.AGENTS_FILE ?? 'data/agents.ndjson';

/** Emits when this process is told to stop. Who closes the journal then hands over; whoever is killed does not, and another takes over as well. */
export const stop$ = new Subject();

/** @returns {Promise<Journal>} */
export async function openJournal() {
  const journal = await openSharedScrivener({ filePath: FILE });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stop$.next(signal));
  return journal;
}

/**
 * Handles each entry, in order, also those that came while this process was away. When it is told to stop, it finishes what it is handling, and closes the journal.
 *
 * @param {Journal} journal
 * @param {string} name whose bookmark says how far it was
 * @param {(record: import('rx-scrivener').Positioned<Entry>) => Promise<void>} handle may get one again that it was handling when it was killed
 */
export async function handleEach(journal, name, handle) {
  let work = Promise.resolve();
  const handled$ = consume(journal, new FileBookmarkStore(`${FILE}.${name}`), (record) => (work = handle(record)));
  await lastValueFrom(handled$.pipe(takeUntil(stop$)), { defaultValue: 0 });
  await work;
  await journal.close();
}

/**
 * Writes an entry unless one like it stands after the question.
 *
 * @param {Journal} journal
 * @param {Exclude<Entry, { type: 'Asked' }>} entry
 * @param {(entry: Entry) => boolean} isAlike
 */
export async function writeUnlessThere(journal, entry, isAlike) {
  for (;;) {
    try {
      await writeOnce(journal, entry, isAlike, { after: entry.question });
      return;
    } catch (error) {
      // Whoever had the file was killed meanwhile: the next try looks whether it is there.
      if (!(error instanceof WriteUncertainError)) throw error;
    }
  }
}
