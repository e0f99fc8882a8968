import { filter, map } from 'rxjs';
import { assertFunction, assertMethods } from '../errors/assert-argument';
import { derivedIterator } from '../journal/derived-iterator';
import { JournalStream } from '../journal/journal-stream';
import { START, type Position, type Positioned } from '../journal/position';
import type { Scrivener, WaitOptions } from '../journal/scrivener';
import { ask } from '../patterns/ask';
import type { MessageCodec } from './message-codec';

/**
 * One side of a conversation: sends and receives messages, and depends on nothing but the journal.
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
export class AgentHost<in out M, in out E> {
  readonly #scrivener: Scrivener<E>;
  readonly #codec: MessageCodec<M, E>;

  constructor(scrivener: Scrivener<E>, codec: MessageCodec<M, E>) {
    assertMethods('scrivener', scrivener, ['write', 'waitFor']);
    assertMethods('codec', codec, ['toEntry', 'toMessage']);
    this.#scrivener = scrivener;
    this.#codec = codec;
  }

  /**
   * Resolves with the first message after `after` (default {@link START}) that is for this side, at its position.
   * Rejects as {@link Scrivener.waitFor} does, and with what the codec throws.
   */
  async waitForMessage(after: Position = START, options?: WaitOptions): Promise<Positioned<M>> {
    const translation = this.#translation();
    return translation.of(await this.#scrivener.waitFor(after, (entry) => translation.matches(entry, START), options));
  }

  /** Writes a message; resolves with its position. Rejects as {@link Scrivener.write} does, and with what the codec throws. */
  async sendMessage(message: M): Promise<Position> {
    return this.#scrivener.write(this.#codec.toEntry(message));
  }

  /**
   * Sends a question and resolves with the first message after it that is its answer; `isAnswer` also gets the question's position.
   * Rejects as `sendMessage` does, then as `waitForMessage` does; `timeout` counts from the moment it is sent.
   */
  ask<A extends M>(
    question: M,
    isAnswer: (message: M, asked: Position) => message is A,
    options?: WaitOptions,
  ): Promise<Positioned<A>>;
  ask(question: M, isAnswer: (message: M, asked: Position) => boolean, options?: WaitOptions): Promise<Positioned<M>>;
  async ask(
    question: M,
    isAnswer: (message: M, asked: Position) => boolean,
    options?: WaitOptions,
  ): Promise<Positioned<M>> {
    assertFunction('isAnswer', isAnswer);
    const translation = this.#translation(isAnswer);
    const entry = this.#codec.toEntry(question);
    return translation.of(await ask(this.#scrivener, entry, translation.matches, options));
  }

  /** The messages after `after` (default {@link START}) that are for this side, then live, each at its entry's position. */
  messages(after: Position = START): JournalStream<M> {
    const translate = ({ position, entry }: Positioned<E>): Positioned<M> | undefined => {
      const message = this.#codec.toMessage(entry);
      return message === undefined ? undefined : { position, entry: message };
    };
    const tail = this.#scrivener.tail(after);
    return new JournalStream(
      (subscriber) =>
        tail
          .pipe(
            map(translate),
            filter((message) => message !== undefined),
          )
          .subscribe(subscriber),
      () => derivedIterator(tail[Symbol.asyncIterator](), translate),
    );
  }

  /** Matches entries by their messages, translating each once, and keeps the message of the one that matched. */
  #translation(accept: (message: M, asked: Position) => boolean = () => true) {
    const messages = new Map<E, M>();
    return {
      matches: (entry: E, asked: Position): boolean => {
        const message = this.#codec.toMessage(entry);
        if (message === undefined || !accept(message, asked)) return false;
        messages.set(entry, message);
        return true;
      },
      of: ({ position, entry }: Positioned<E>): Positioned<M> => ({
        position,
        entry: messages.has(entry) ? messages.get(entry)! : this.#codec.toMessage(entry)!,
      }),
    };
  }
}
