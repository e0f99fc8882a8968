import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Attempt } from './attempt';
import { onWaking } from './page-events';
import { Unreachable } from './retry-until-settled';

/** More characters than any event has. */
const MAX_EVENT_LENGTH = 64 * 1024 * 1024;

/**
 * The events that a body has, as many together as came together; it is read on when they are used up. Rejects with {@link Unreachable} when the
 * body breaks off, is no text, or nothing comes for too long; what came of an event by then is dropped.
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
  // Not every `fetch` ends what it reads when it is aborted.
  const leave = () => void reader.cancel().catch(() => undefined);
  attempt.signal.addEventListener('abort', leave);
  // While a machine sleeps, timers do not count, and nobody says that the connection is gone.
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
