import { concatMap } from 'rxjs';
import { assertDelayMs } from '../errors/assert-argument';
import { JournalStream } from '../journal/journal-stream';
import { pagedStream } from '../journal/paged-stream';
import { START, type Position, type Positioned } from '../journal/position';
import type { Scrivener, WaitOptions } from '../journal/scrivener';
import type { MessageCodec } from './message-codec';

/**
 * One side of a conversation: sends and receives messages and knows nothing but the journal.
 *
 * @example
 * ```ts
 * const host = new AgentHost(scrivener, codec);
 * let last = START;
 * for (;;) {
 *   const { position, entry: text } = await host.waitForMessage(last);
 *   await host.sendMessage(await answer(text));
 *   last = position;
 * }
 * ```
 */
export class AgentHost<M, E> {
  readonly #scrivener: Scrivener<E>;
  readonly #codec: MessageCodec<M, E>;

  constructor(scrivener: Scrivener<E>, codec: MessageCodec<M, E>) {
    this.#scrivener = scrivener;
    this.#codec = codec;
  }

  /**
   * Resolves with the first message behind `after` (default {@link START}) that is for this side, at its position.
   * Rejects as {@link Scrivener.waitFor} does, and with what the codec throws.
   */
  waitForMessage(after: Position = START, options?: WaitOptions): Promise<Positioned<M>> {
    return this.#waitFor(after, () => true, options);
  }

  /** Writes a message; resolves with its position. Rejects as {@link Scrivener.write} does, and with what the codec throws. */
  async sendMessage(message: M): Promise<Position> {
    return this.#scrivener.write(this.#codec.toEntry(message));
  }

  /**
   * Sends a question and resolves with the first message behind it that is its answer.
   * Rejects as `sendMessage` does, then as `waitForMessage` does; `timeout` counts from the moment it is sent.
   */
  async ask<A extends M>(
    question: M,
    isAnswer: (message: M) => message is A,
    options: WaitOptions = {},
  ): Promise<Positioned<A>> {
    if (options.timeout !== undefined) assertDelayMs('timeout', options.timeout);
    const asked = await this.#scrivener.write(this.#codec.toEntry(question), { signal: options.signal });
    return this.#waitFor(asked, isAnswer, options) as Promise<Positioned<A>>;
  }

  /** The messages behind `after` (default {@link START}) that are for this side, then live, each at its entry's position. */
  messages(after: Position = START): JournalStream<M> {
    const scrivener = this.#scrivener;
    const translate = ({ position, entry }: Positioned<E>): Positioned<M>[] => {
      const message = this.#codec.toMessage(entry);
      return message === undefined ? [] : [{ position, entry: message }];
    };
    const tail = scrivener.tail(after);

    async function* pages(signal: AbortSignal): AsyncGenerator<Positioned<M>[], void> {
      for await (const record of scrivener.tail(after, { signal })) {
        yield translate(record);
      }
    }

    return new JournalStream(
      (subscriber) => tail.pipe(concatMap(translate)).subscribe(subscriber),
      () => pagedStream(pages)[Symbol.asyncIterator](),
    );
  }

  async #waitFor(after: Position, accept: (message: M) => boolean, options?: WaitOptions): Promise<Positioned<M>> {
    const { position, entry } = await this.#scrivener.waitFor(
      after,
      (entry) => {
        const message = this.#codec.toMessage(entry);
        return message !== undefined && accept(message);
      },
      options,
    );
    return { position, entry: this.#codec.toMessage(entry)! };
  }
}
