import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Attempt } from './attempt';
import { onWaking } from './page-events';
import { Unreachable } from './retry-until-settled';

/** More characters than any event has. */
const MAX_EVENT_LENGTH = 64 * 1024 * 1024;

/**
 * The events of a body, in the batches in which they arrived; reads the next batch when one is used up. Rejects with {@link Unreachable} if the
 * body breaks off, is not text, or is silent for too long; a partial event is dropped.
 */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  attempt: Attempt,
  silenceMs: number,
): AsyncGenerator<readonly EventSourceMessage[], void> {
  let events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event), maxBufferSize: MAX_EVENT_LENGTH });
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  const reader = body.getReader();
  let cameMs = Date.now();
  const read = async () => {
    attempt.allow(silenceMs);
    try {
      const { done, value } = await reader.read();
      cameMs = Date.now();
      if (!done) parser.feed(utf8.decode(value, { stream: true }));
      return !done;
    } catch (cause) {
      throw new Unreachable('The tail broke off', { cause });
    } finally {
      attempt.allow(Infinity);
    }
  };
  // Not every `fetch` ends a body when it is aborted.
  const leave = () => void reader.cancel().catch(() => undefined);
  attempt.signal.addEventListener('abort', leave);
  if (attempt.signal.aborted) leave();
  // While a machine sleeps, timers stop, and nothing reports that the connection is lost.
  const unlisten = onWaking(() => {
    if (Date.now() - cameMs > silenceMs / 2) attempt.end();
  });
  try {
    while (await read()) {
      if (events.length > 0) yield events;
      events = [];
    }
  } finally {
    unlisten();
    attempt.signal.removeEventListener('abort', leave);
    leave();
  }
}
