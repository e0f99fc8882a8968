import { isNotFound } from '../errors/journal-not-found-error';
import type { Position } from '../journal/position';
import { eventOf, nextCursor, offsetOf } from './protocol';
import { moreAfter, pageAfter } from './read-stream';
import type { Stream } from './streams';

/** After this many milliseconds without a message a heartbeat is sent. */
const QUIET_MS = 15_000;

/** The source of the events of a live answer. */
export interface SseBodyOptions {
  readonly stream: Stream;
  readonly after: Position;
  readonly cursor: string | null;
  readonly maxTailMs: number;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}

/** Messages as events, a page at a time, each followed by an event that says where the page ends; each is read when the socket is ready. */
export function sseBody({
  stream,
  after,
  cursor,
  maxTailMs,
  signal,
  onError,
}: SseBodyOptions): ReadableStream<Uint8Array> {
  const left = new AbortController();
  const leave = () => left.abort();
  const ending = setTimeout(leave, maxTailMs);
  signal.addEventListener('abort', leave);
  const release = () => {
    clearTimeout(ending);
    signal.removeEventListener('abort', leave);
    leave();
  };
  const { state } = stream;
  let given = cursor;
  let isCancelled = false as boolean;

  const isGone = () => left.signal.aborted || state.isDeleted;

  async function* events(): AsyncGenerator<Uint8Array, void> {
    while (!signal.aborted) {
      const isClosed = state.isClosed; // before the page, so that the page has the messages that it was closed with
      const page = await pageAfter(stream, after);
      if (!page.isEmpty) yield page.event;
      after = page.last;
      const isOver = isClosed && page.isUpToDate;
      given = nextCursor(given);
      const upToDate = page.isUpToDate && { upToDate: true };
      const end = isOver ? { streamClosed: true } : { streamCursor: given };
      yield eventOf('control', JSON.stringify({ streamNextOffset: offsetOf(after), ...end, ...upToDate }));
      if (isOver || isGone()) return;
      // It was closed since then: that must be sent, and nothing else would wake this.
      if (page.isUpToDate && !state.isClosed) await moreAfter(stream, after, QUIET_MS, left.signal);
      if (isGone()) return;
      await stream.use();
    }
  }

  const all = events();
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { value, done } = await all.next();
          if (!done) {
            controller.enqueue(value);
            return;
          }
          release();
          if (!isCancelled) controller.close();
        } catch (error) {
          release();
          // A deletion ends the answer.
          if (isNotFound(error)) controller.close();
          else {
            onError(error);
            controller.error(error);
          }
        }
      },
      cancel: () => {
        isCancelled = true;
        release();
      },
    },
    { highWaterMark: 0 },
  );
}
