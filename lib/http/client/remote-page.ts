import { HttpStatusError } from '../../errors/http-status-error';
import { JournalClosedError } from '../../errors/journal-closed-error';
import { JournalMismatchError } from '../../errors/journal-mismatch-error';
import { START, type Position, type Positioned } from '../../journal/position';
import { Attempt } from './attempt';
import type { Connection } from './connection';
import { isPosition, JSON_TYPE } from '../protocol';

/** Makes an entry from parsed JSON. */
export type Decode<T> = (position: Position, entry: unknown) => T;

/** The most entries, and about the most bytes, of a page. */
const MAX_ENTRIES = 1_000;
const MAX_BYTES = 1024 * 1024;

/** A page, and its size in bytes. */
interface Page {
  readonly records: readonly Positioned<unknown>[];
  readonly bytes: number;
}

/**
 * The entries before a position, newest first, a page at a time: the first page has the server's default size, later ones grow, and from the second on the
 * next page is fetched while one is read.
 */
export async function* remotePages<T>(
  connection: Connection,
  decode: Decode<T>,
  before: Position,
  signal: AbortSignal,
): AsyncGenerator<readonly Positioned<T>[], void> {
  const reading = new Attempt(signal);
  let limit: number | undefined;
  let most = MAX_ENTRIES;
  /** How many entries the newest page had. */
  let count = 0;
  const fetchPage = async (next: Position): Promise<Page | undefined> => {
    if (next <= START + 1) return undefined;
    const query = { before: String(next), ...(limit !== undefined && { limit: String(limit) }) };
    const request = { method: 'GET', query, headers: { Accept: JSON_TYPE }, signal: reading.signal } as const;
    try {
      const answer = await connection.retryUntilSettled(() => connection.sized(request), reading.signal);
      if (answer === undefined) throw new JournalClosedError(); // or the reader has ended
      return { records: recordsOf(answer.body, next), bytes: answer.bytes };
    } catch (error) {
      // The server allows fewer entries than requested.
      if (!(error instanceof HttpStatusError && error.status === 400 && limit !== undefined && limit > count))
        throw error;
      most = limit = count;
      return fetchPage(next);
    }
  };
  try {
    let coming: Promise<Page | undefined> | undefined;
    for (let next = before, pages = 0; ; pages++) {
      const page = await (coming ?? fetchPage(next));
      const { records = [], bytes = 0 } = page ?? {};
      if (records.length === 0) return;
      next = records.at(-1)!.position;
      count = records.length;
      const fitting = Math.floor(MAX_BYTES / (bytes / count));
      limit = Math.max(1, Math.min(most, count * 2, fitting));
      // Reading only the newest few entries costs one page.
      coming = pages > 0 ? fetchPage(next) : undefined;
      coming?.catch(() => undefined); // awaited later, or not at all
      yield records.map(({ position, entry }) => ({ position, entry: decode(position, entry) }));
    }
  } finally {
    reading.end();
  }
}

function recordsOf(page: unknown, before: Position): readonly Positioned<unknown>[] {
  if (!Array.isArray(page)) throw new JournalMismatchError('the server answered something else than a page');
  let previous = before;
  return page.map((record: unknown, index) => {
    const { position, entry } = (record ?? {}) as Readonly<Record<string, unknown>>;
    const isNext = isPosition(position) && (index === 0 ? position < previous : position === previous - 1);
    if (!isNext || position === START) throw new JournalMismatchError('the positions of a page do not fit');
    previous = position;
    return { position, entry };
  });
}
