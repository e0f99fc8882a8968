import { firstValueFrom, fromEvent, map, merge, race, take, timer } from 'rxjs';
import { isNotFound } from '../errors/journal-not-found-error';
import { JournalClosedError } from '../errors/journal-closed-error';
import type { Position } from '../journal/position';
import type { Stream } from './streams';
import { formatOf } from './messages';

/** So many characters of messages make an answer, and the one that goes past them. */
const MAX_CHUNK = 512 * 1024;

/** Messages that follow each other. */
export interface Page {
  readonly entries: readonly unknown[];
  /** The position of the last one. */
  readonly last: Position;
  /** Whether these are all that there are now. */
  readonly isUpToDate: boolean;
}

/** The messages after a position, as many as make an answer. */
export async function pageAfter(stream: Stream, after: Position): Promise<Page> {
  const head = await stream.head();
  const { sizeOf } = formatOf(stream.state.contentType);
  const entries: unknown[] = [];
  let last = after;
  if (after < head) {
    let size = 0;
    for await (const { position, entry } of stream.messages.tail(after)) {
      entries.push(entry);
      last = position;
      size += sizeOf(entry);
      if (position >= head || size >= MAX_CHUNK) break;
    }
  }
  return { entries, last, isUpToDate: last >= head };
}

/** Waits until there is more to tell than up to a position: a message, the stream's end or its deletion; resolves with whether there is. */
export async function moreAfter(stream: Stream, after: Position, ms: number, signal: AbortSignal): Promise<boolean> {
  const left$ = fromEvent(signal, 'abort').pipe(map(() => false));
  const more$ = merge(stream.messages.tail(after, { flushed: true }).pipe(take(1)), stream.changes.pipe(take(1))).pipe(
    take(1),
    map(() => true),
  );
  if (signal.aborted) return false;
  try {
    return await firstValueFrom(race(more$, timer(ms).pipe(map(() => false)), left$), { defaultValue: true });
  } catch (error) {
    if (isNotFound(error) || error instanceof JournalClosedError) return true;
    throw error;
  }
}
