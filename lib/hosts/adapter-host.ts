import { concatMap, defer, firstValueFrom, from, lastValueFrom, Subject, takeUntil } from 'rxjs';
import type { Observable, ObservableInput } from 'rxjs';
import { ContractDaemon, type DaemonOptions } from '../daemon/contract-daemon';
import { newestPosition } from '../journal/newest-position';
import { assertPosition, type Position, type Positioned } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { loadBookmark, type BookmarkStore } from '../patterns/bookmark-store';
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
  /** The client's messages. An iterable is pulled no faster than they are written; an Observable is listened to. */
  readonly incoming: ObservableInput<M>;
  /** Brings a message to the client, one at a time, in order; rejects when it could not. */
  deliver(message: M, position: Position): void | Promise<void>;
}

/** What an adapter's host is built with. */
export interface AdapterHostOptions<M, E> extends DaemonOptions {
  readonly scrivener: Scrivener<E>;
  readonly adapter: Adapter<M>;
  readonly codec: MessageCodec<M, E>;
  /** Deliver what lies behind this position. Default: the journal's end at start, so that a recovered history is not delivered again. */
  readonly after?: Position;
  /** Instead of `after`: deliver what lies behind the bookmark, and move it behind each message delivered (at least once). */
  readonly bookmarks?: BookmarkStore;
}

/**
 * Carries a client's messages into a journal and the journal's messages out to it.
 *
 * A source, a codec, a journal or a delivery that fails makes it Failed. It completes when the journal does; a client that has no more to say
 * is still delivered to. `shutdown` finishes the delivery under way, writes the messages that have come in, and releases both sides.
 *
 * @example
 * ```ts
 * const host = new AdapterHost({ scrivener, adapter, codec, bookmarks: new FileBookmarkStore('data/client.json') });
 * await host.start();
 * ```
 */
export class AdapterHost<M, E> extends ContractDaemon {
  readonly #scrivener: Scrivener<E>;
  readonly #adapter: Adapter<M>;
  readonly #codec: MessageCodec<M, E>;
  readonly #after: Position | undefined;
  readonly #bookmarks: BookmarkStore | undefined;
  readonly #stop = new Subject<void>();
  /** Settle when nothing is carried any more. */
  #sides: readonly Promise<unknown>[] = [];

  /** @throws RangeError for an `after` that is no position, TypeError for `after` and `bookmarks` at once */
  constructor({ scrivener, adapter, codec, after, bookmarks, ...daemon }: AdapterHostOptions<M, E>) {
    super(daemon);
    if (after !== undefined) assertPosition('after', after);
    if (after !== undefined && bookmarks) throw new TypeError('Expected `after` or `bookmarks`, got both');
    this.#scrivener = scrivener;
    this.#adapter = adapter;
    this.#codec = codec;
    this.#after = after;
    this.#bookmarks = bookmarks;
  }

  protected override async onStart(): Promise<void> {
    const after = this.#bookmarks
      ? await loadBookmark(this.#bookmarks)
      : (this.#after ?? (await firstValueFrom(newestPosition(this.#scrivener))));
    const egress = this.#carry(this.#egress(after));
    this.#sides = [egress, this.#carry(defer(() => this.#ingress()))];
    // What fails is journaled.
    for (const side of this.#sides) side.catch(() => undefined);
    egress.then(() => this.shutdown()).catch(() => undefined); // the journal has ended
  }

  protected override async onShutdown(): Promise<void> {
    this.#stop.next();
    await Promise.all(this.#sides);
  }

  #egress(after: Position): Observable<void> {
    return eachInTurn(this.#scrivener.tail(after), (record) => this.#deliver(record), this.#stop);
  }

  #ingress(): Observable<Position> {
    const { incoming } = this.#adapter;
    const write = async (message: M) => this.#scrivener.write(this.#codec.toEntry(message));
    return isPullable(incoming)
      ? eachInTurn(incoming, write, this.#stop)
      : // eslint-disable-next-line rxjs-x/no-unsafe-takeuntil -- what has come in is written
        from(incoming).pipe(takeUntil(this.#stop), concatMap(write));
  }

  async #deliver({ position, entry }: Positioned<E>): Promise<void> {
    const message = this.#codec.toMessage(entry);
    if (message === undefined) return;
    await this.#adapter.deliver(message, position);
    await this.#bookmarks?.save(position);
  }

  /** Runs one side; when it breaks, both end. */
  async #carry(side: Observable<unknown>): Promise<void> {
    try {
      await lastValueFrom(side, { defaultValue: undefined });
    } catch (error) {
      await this.fail(error);
      this.#stop.next();
      throw error;
    }
  }
}

function isPullable<V>(source: ObservableInput<V>): source is AsyncIterable<V> | Iterable<V> {
  return Symbol.asyncIterator in Object(source) || Symbol.iterator in Object(source);
}
