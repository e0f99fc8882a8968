import type { Position, Positioned } from '../../journal/position';
import { Attempt } from './attempt';
import type { Connection } from './connection';
import type { Decode } from './remote-page';
import { remoteTail, type TailPage, type TailStart } from './remote-tail';
import type { TabFeed, TabMessage } from './tab-feed';

type Entries = Extract<TabMessage, { kind: 'entries' }>;

/** How many messages wait for the reader; later entries are requested from the server. */
const MAX_MESSAGES = 100;

/**
 * {@link remoteTail}, with new entries from the tab that has the connection. This tab requests the entries before those itself, up to the journal's end, and
 * again if something is missing.
 */
export async function* tabTail<T>(
  connection: Connection,
  decode: Decode<T>,
  { after, seen, caughtUp }: TailStart,
  feed: TabFeed,
  signal: AbortSignal,
): AsyncGenerator<TailPage<T>, void> {
  let last = after;
  let unreported = caughtUp;
  const isLeft = () => signal.aborted;
  const inbox = new Inbox();
  const leave = feed.listen((message) => inbox.push(message));
  const wake = () => inbox.wake();
  signal.addEventListener('abort', wake);
  try {
    while (!isLeft()) {
      // The server's answer includes what was broadcast before.
      inbox.clear();
      const asking = new Attempt(signal);
      const reached = (position: Position) => {
        const report = unreported;
        unreported = undefined;
        asking.end();
        report?.(position);
      };
      const pages = remoteTail(connection, decode, { after: last, seen, caughtUp: reached }, asking.signal);
      let next;
      try {
        for (next = await pages.next(); !next.done; next = await pages.next()) {
          last = next.value.records.at(-1)!.position;
          yield next.value;
        }
      } finally {
        asking.end();
        await pages.return(false);
      }
      if (next.value) return;
      feed.found();
      for (let isLive = true; isLive && !isLeft();) {
        const message = await inbox.next(signal);
        if (message?.kind === 'entries') {
          isLive = continues(message, last, seen.newest);
          const page = isLive ? pageOf(message, last, decode) : undefined;
          if (page === undefined) continue;
          for (const text of page.texts) seen.note(text);
          last = page.records.at(-1)!.position;
          connection.noteHead(last);
          yield page;
        } else isLive = message?.kind === 'alive' && message.last <= last;
      }
    }
  } finally {
    signal.removeEventListener('abort', wake);
    leave();
  }
}

/** Whether entries continue a tail, in the same history as far as is known; entries that were broadcast before always do. */
function continues({ first, texts, before }: Entries, last: Position, newest: string | undefined): boolean {
  if (first + texts.length <= last) return true;
  if (first > last + 1) return false;
  return newest === undefined || newest === (first === last + 1 ? before : texts[last - first]);
}

/** The new ones among the entries received; `undefined` if there are none. */
function pageOf<T>({ first, texts }: Entries, last: Position, decode: Decode<T>): TailPage<T> | undefined {
  const fresh = texts.slice(last + 1 - first);
  if (fresh.length === 0) return undefined;
  const records = fresh.map((text, index): Positioned<T> => {
    const position = last + 1 + index;
    return { position, entry: decode(position, JSON.parse(text)) };
  });
  return { records, texts: fresh };
}

/** The messages that are not read yet. */
class Inbox {
  #messages: TabMessage[] = [];
  #wake: (() => void) | undefined;

  push(message: TabMessage): void {
    // The next message reveals the loss.
    if (this.#messages.length >= MAX_MESSAGES) this.#messages = [{ kind: 'lost' }];
    else this.#messages.push(message);
    this.wake();
  }

  clear(): void {
    this.#messages = [];
  }

  wake(): void {
    this.#wake?.();
  }

  /** The next message; `undefined` if the signal is aborted. */
  async next(signal: AbortSignal): Promise<TabMessage | undefined> {
    while (this.#messages.length === 0 && !signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#messages.shift();
  }
}
