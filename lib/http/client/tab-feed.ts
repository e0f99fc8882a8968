import { distinctUntilChanged, filter, map } from 'rxjs';
import { START, type Position } from '../../journal/position';
import { Attempt } from './attempt';
import type { Connection } from './connection';
import { isBack, onLeaving } from './page-events';
import { sleep } from './retry-until-settled';
import { remoteTail } from './remote-tail';
import { SeenTexts } from '../seen';

/** How long the holder may be silent before it is asked whether it is alive. */
const QUIET_MS = 5_000;
/** How long it may take to answer: a frozen page does not answer. */
const ANSWER_MS = 3_000;
/** The pause before a holder that could not continue tries again. */
const PAUSE_MS = 1_000;

/** The messages between tabs. */
export type TabMessage =
  /** Entries that arrived together, as they were sent, from this position; and the one before them, if the holder has read it. */
  | {
      readonly kind: 'entries';
      readonly first: Position;
      readonly texts: readonly string[];
      readonly before: string | undefined;
    }
  /** From the holder: it is there, and has read so far. */
  | { readonly kind: 'alive'; readonly last: Position }
  /** From the holder: its connection is lost, or has ended. */
  | { readonly kind: 'lost' }
  /** From another tab: the server answers. */
  | { readonly kind: 'found' }
  /** From another tab: is the holder there? */
  | { readonly kind: 'ping' };

/** Whether tabs can share: not in pages loaded over plain HTTP, and not outside of browsers. */
export function canShareTabs(): boolean {
  return (globalThis as { navigator?: Partial<Navigator> }).navigator?.locks !== undefined;
}

/**
 * The new entries of a journal, from one connection for all tabs: the tab that has a lock, the holder, reads them and sends them to the others. The lock passes to the next
 * tab when the holder has no reader left, closes, or goes away; it is taken from a holder that does not answer.
 *
 * Messages may have gaps or repeat entries: listeners check the positions.
 */
export class TabFeed {
  readonly #name: string;
  readonly #connection: Connection;
  readonly #listeners = new Set<(message: TabMessage) => void>();
  readonly #quietMs: number;
  readonly #answerMs: number;
  #channel: BroadcastChannel | undefined;
  /** Ends the participation. */
  #left: AbortController | undefined;
  #isHolder = false;
  #last = START;
  /** When the holder was last heard, in `performance.now()` time. */
  #heardAt = 0;

  /** @param name - the same for all tabs that share, and for no other tab */
  constructor(name: string, connection: Connection, quietMs = QUIET_MS, answerMs = ANSWER_MS) {
    this.#name = name;
    this.#connection = connection;
    this.#quietMs = quietMs;
    this.#answerMs = answerMs;
  }

  /** Listens from now on; the holder immediately sends its position. Returns a function that ends it. */
  listen(listener: (message: TabMessage) => void): () => void {
    this.#listeners.add(listener);
    if (this.#left === undefined) this.#begin();
    this.#send({ kind: 'ping' });
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#end();
    };
  }

  /** The server answers: the holder need not wait any longer before its next try. */
  found(): void {
    this.#send({ kind: 'found' });
  }

  #begin(): void {
    const left = (this.#left = new AbortController());
    const channel = (this.#channel = new BroadcastChannel(this.#name));
    channel.onmessage = ({ data }: MessageEvent<TabMessage>) => this.#receive(data);
    const unlisten = onLeaving(() => {
      // A page with a lock or a channel is not kept in the back/forward cache.
      this.#end();
      void this.#resumeWhenBack();
    });
    left.signal.addEventListener('abort', unlisten);
    this.#heardAt = performance.now();
    void this.#competeForLock(left.signal);
    void this.#watch(left.signal);
  }

  #end(): void {
    this.#left?.abort();
    this.#left = undefined;
    this.#channel?.close();
    this.#channel = undefined;
  }

  async #resumeWhenBack(): Promise<void> {
    await isBack(new AbortController().signal);
    if (this.#listeners.size === 0 || this.#left !== undefined) return;
    this.#begin();
    this.#dispatch({ kind: 'lost' });
  }

  /** Waits for the lock, holds it for as long as it can, and waits again. */
  async #competeForLock(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#request({ signal }, signal);
      } catch {
        // Another tab has taken the lock away, or nobody listens any more.
      }
      await sleep(PAUSE_MS, signal);
    }
  }

  /** Resolves when it is no longer the holder. */
  #request(options: LockOptions, signal: AbortSignal): Promise<void> {
    const holding = new Attempt(signal);
    return navigator.locks
      .request(this.#name, options, () => this.#readAsHolder(holding.signal))
      .then(
        () => undefined,
        (error: unknown) => {
          holding.end(); // it was taken away
          throw error;
        },
      )
      .finally(() => holding.end());
  }

  async #readAsHolder(signal: AbortSignal): Promise<void> {
    this.#isHolder = true;
    const connection = this.#connection;
    const isOver = () => signal.aborted;
    const lost$ = connection.connected$.pipe(
      map(({ status }) => status === 'retrying'),
      distinctUntilChanged(),
      filter((isLost) => isLost),
    );
    const lost = lost$.subscribe(() => this.#broadcast({ kind: 'lost' }));
    this.#last = connection.head;
    this.#broadcast({ kind: 'alive', last: this.#last });
    // Including the newest entry, so that another history is detected.
    const after = Math.max(START, connection.first - 1, connection.head - 1);
    let before: string | undefined;
    try {
      const start = { after, seen: new SeenTexts(), caughtUp: undefined };
      for await (const { records, texts } of remoteTail(connection, (_, entry) => entry, start, signal)) {
        if (isOver()) return;
        this.#last = records.at(-1)!.position;
        this.#broadcast({ kind: 'entries', first: records[0]!.position, texts, before });
        before = texts.at(-1);
      }
    } catch {
      // Listeners ask the server themselves, and get the same error, or not.
    } finally {
      lost.unsubscribe();
      this.#isHolder = false;
      if (!isOver()) this.#broadcast({ kind: 'lost' });
    }
  }

  /** Takes the lock from a holder that does not answer. */
  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#quietMs, signal);
      if (this.#isHolder || performance.now() - this.#heardAt < this.#quietMs) continue;
      const askedAt = performance.now();
      const isAnswered = () => signal.aborted || this.#isHolder || this.#heardAt >= askedAt;
      this.#send({ kind: 'ping' });
      // Random, so that not all tabs take it.
      await sleep(this.#answerMs * (1 + Math.random()), signal);
      if (isAnswered()) continue;
      void this.#request({ steal: true }, signal).catch(() => undefined);
    }
  }

  #receive(message: TabMessage): void {
    if (message.kind === 'ping') {
      if (this.#isHolder) this.#send({ kind: 'alive', last: this.#last });
    } else if (message.kind === 'found') {
      if (this.#isHolder) this.#connection.endPauses();
    } else {
      this.#heardAt = performance.now();
      this.#dispatch(message);
    }
  }

  #broadcast(message: TabMessage): void {
    this.#send(message);
    this.#dispatch(message);
  }

  #send(message: TabMessage): void {
    this.#channel?.postMessage(message);
  }

  #dispatch(message: TabMessage): void {
    for (const listener of [...this.#listeners]) listener(message);
  }
}
