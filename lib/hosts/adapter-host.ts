import {
  catchError,
  concatMap,
  endWith,
  firstValueFrom,
  ignoreElements,
  lastValueFrom,
  map,
  of,
  race,
  Subject,
  takeUntil,
  timer,
} from 'rxjs';
import type { Observable, ObservableInput } from 'rxjs';
import { ContractDaemon, DAEMON_OPTIONS, type DaemonOptions } from '../daemon/contract-daemon';
import { assertMethods, assertOptions } from '../errors/assert-argument';
import { ScrivenerError } from '../errors/scrivener-error';
import { newestPosition } from '../journal/newest-position';
import { assertPosition, END, type Position, type Positioned } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { fromInput, isPullable, type PlatformObservable } from '../operators/from-input';
import { Bookmark } from '../patterns/bookmark';
import type { BookmarkStore } from '../patterns/bookmark-store';
import { eachInTurn } from '../patterns/each-in-turn';
import type { MessageCodec } from './message-codec';

/**
 * The way to a client and back: a socket, a chat service, a terminal.
 *
 * @example
 * ```ts
 * const adapter: Adapter<string> = { incoming: fromEvent(socket, 'message'), deliver: (text) => socket.send(text) };
 * ```
 */
export interface Adapter<M> {
  /** The client's messages. An iterable is pulled no faster than its messages are written; the host subscribes to an Observable (RxJS's or the platform's). */
  readonly incoming: ObservableInput<M> | PlatformObservable<M>;
  /** Delivers a message to the client, one at a time and in order; rejects if it cannot. */
  readonly deliver: (message: M, position: Position) => void | Promise<void>;
}

/** How long a journal may take to report that it has ended. */
const ENDED_MS = 1_000;

/** Options of an adapter's host. */
export interface AdapterHostOptions<M, E> extends DaemonOptions {
  readonly scrivener: Scrivener<E>;
  readonly adapter: Adapter<M>;
  readonly codec: MessageCodec<M, E>;
  /** Deliver what comes after this position. Default: the journal's end at start, so that a recovered history is not delivered again. */
  readonly after?: Position;
  /**
   * Instead of `after`: deliver what comes after the bookmark, and move it as messages are delivered (at least once), never ahead of what the journal
   * has flushed. Entries that are not for this side move it too. A store serves one host at a time: `start` waits until the previous one has ended.
   */
  readonly bookmarks?: BookmarkStore;
}

const OPTIONS: Record<keyof AdapterHostOptions<never, never>, true> = {
  ...DAEMON_OPTIONS,
  ...{ scrivener: true, adapter: true, codec: true, after: true, bookmarks: true },
};

/**
 * Carries a client's messages into a journal and the journal's messages out to it.
 *
 * It fails when its source, codec, journal or a delivery fails, and completes when the journal does (a message that arrives then is
 * dropped). A client whose messages have ended still gets deliveries. `shutdown` finishes the current delivery, writes the messages that have come
 * in, saves the bookmark, and releases both sides. It takes no further message from an async generator.
 *
 * @example
 * ```ts
 * const host = new AdapterHost({ scrivener, adapter, codec, bookmarks: new FileBookmarkStore('data/client.json') });
 * await host.start();
 * ```
 */
export class AdapterHost<in out M, in out E> extends ContractDaemon {
  readonly #scrivener: Scrivener<E>;
  readonly #adapter: Adapter<M>;
  readonly #codec: MessageCodec<M, E>;
  readonly #after: Position | undefined;
  readonly #bookmarks: BookmarkStore | undefined;
  #bookmark: Bookmark<E> | undefined;
  readonly #stop = new Subject<void>();
  /** Settle when both sides have ended. */
  #sides: readonly Promise<unknown>[] = [];

  /** @throws RangeError if `after` is not a position, TypeError for `after` together with `bookmarks` */
  constructor(options: AdapterHostOptions<M, E>) {
    assertOptions('AdapterHost', options, OPTIONS);
    super(options);
    const { scrivener, adapter, codec, after, bookmarks } = options;
    assertMethods('scrivener', scrivener, ['write', 'tail']);
    assertMethods('adapter', adapter, ['deliver']);
    assertMethods('codec', codec, ['toEntry', 'toMessage']);
    if (bookmarks !== undefined) assertMethods('bookmarks', bookmarks, ['load', 'save']);
    if (after !== undefined) assertPosition('after', after);
    if (after !== undefined && bookmarks) throw new TypeError('Expected `after` or `bookmarks`, got both');
    this.#scrivener = scrivener;
    this.#adapter = adapter;
    this.#codec = codec;
    this.#after = after;
    this.#bookmarks = bookmarks;
  }

  /** {@link ContractDaemon.shutdown}; resolves when all work has ended, even if the host has failed. */
  override async shutdown(): Promise<void> {
    try {
      await super.shutdown();
    } finally {
      await Promise.allSettled(this.#sides);
    }
  }

  protected override async onStart(): Promise<void> {
    const after = await this.#begin();
    const egress = this.#runSide(() => this.#egress(after), this.#bookmark);
    this.#sides = [egress, this.#runSide(() => this.#ingress())];
    // Failures are reported as events.
    for (const side of this.#sides) side.catch(() => undefined);
    egress.then(() => this.shutdown()).catch(() => undefined); // the journal has ended
  }

  protected override async onShutdown(): Promise<void> {
    this.#stop.next();
    await Promise.all(this.#sides);
  }

  /** The position to deliver after. */
  async #begin(): Promise<Position> {
    if (this.#bookmarks === undefined) {
      return this.#after ?? (await firstValueFrom(newestPosition(this.#scrivener)));
    }
    const bookmark = (this.#bookmark = new Bookmark(this.#scrivener, this.#bookmarks));
    bookmark.saved$.subscribe({ error: () => this.#stop.next() }); // its end rejects
    try {
      return await bookmark.begin();
    } catch (error) {
      await bookmark.end();
      throw error;
    }
  }

  #egress(after: Position): Observable<unknown> {
    return eachInTurn(this.#scrivener.tail(after), (record) => this.#deliver(record), this.#stop);
  }

  #ingress(): Observable<unknown> {
    const { incoming } = this.#adapter;
    const write = (message: M) => this.#write(message);
    return isPullable(incoming)
      ? eachInTurn(incoming, write, this.#stop)
      : // eslint-disable-next-line rxjs-x/no-unsafe-takeuntil -- received messages are written
        fromInput(incoming).pipe(takeUntil(this.#stop), concatMap(write));
  }

  async #write(message: M): Promise<void> {
    try {
      await this.#scrivener.write(this.#codec.toEntry(message));
    } catch (error) {
      if (!(ScrivenerError.is(error) && error.code === 'ERR_JOURNAL_CLOSED' && (await this.#hasEnded()))) throw error;
    }
  }

  async #deliver({ position, entry }: Positioned<E>): Promise<void> {
    const message = this.#codec.toMessage(entry);
    if (message === undefined) {
      this.#bookmark?.pass(position);
      return;
    }
    await this.#adapter.deliver(message, position);
    this.#bookmark?.moveTo(position);
  }

  /** Whether this journal has ended, and not another one that a tapped scrivener writes to. */
  #hasEnded(): Promise<boolean> {
    const ended = this.#scrivener.tail(END - 1).pipe(
      ignoreElements(),
      endWith(true),
      catchError(() => of(true)), // the other side fails with it
    );
    return firstValueFrom(race(ended, timer(ENDED_MS).pipe(map(() => false))));
  }

  /** Runs one side, and saves its bookmark; if it fails, both end. */
  async #runSide(side: () => Observable<unknown>, bookmark?: Bookmark<E>): Promise<void> {
    try {
      await lastValueFrom(side(), { defaultValue: undefined });
      await bookmark?.end();
    } catch (error) {
      this.#stop.next();
      await bookmark?.end().catch(() => undefined); // the first failure is the one to report
      await this.fail(error);
      throw error;
    }
  }
}
