import { JournalMismatchError } from '../../errors/journal-mismatch-error';
import { JournalClosedError } from '../../errors/journal-closed-error';
import { START, type Position, type Positioned } from '../../journal/position';
import type { Connection } from './connection';
import { isPosition, JSON_TYPE } from '../protocol';

/** Makes an entry of what JSON holds. */
export type Decode<T> = (position: Position, entry: unknown) => T;

/** What lies before a position, newest first, a page at a time. */
export async function* remotePages<T>(
  connection: Connection,
  decode: Decode<T>,
  before: Position,
  signal: AbortSignal,
): AsyncGenerator<readonly Positioned<T>[], void> {
  for (let next = before; next > START + 1;) {
    const request = {
      method: 'GET',
      query: { before: String(next) },
      headers: { Accept: JSON_TYPE },
      signal,
    } as const;
    const answer = await connection.persist(async () => ({ body: await connection.json(request) }), signal);
    if (answer === undefined) throw new JournalClosedError(); // or nobody reads any more
    const page = recordsOf(answer.body, next);
    if (page.length === 0) return;
    yield page.map(({ position, entry }) => ({ position, entry: decode(position, entry) }));
    next = page.at(-1)!.position;
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
