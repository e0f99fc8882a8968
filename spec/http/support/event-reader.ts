import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** Reads the events of an answer one by one. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #events: EventSourceMessage[] = [];
  readonly #parser = createParser({ onEvent: (event) => this.#events.push(event) });
  readonly #utf8 = new TextDecoder();

  constructor(response: Response) {
    this.#reader = response.body!.getReader();
  }

  /** The next event; `undefined` when there is none any more. */
  async next(): Promise<EventSourceMessage | undefined> {
    while (this.#events.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#parser.feed(this.#utf8.decode(value, { stream: true }));
    }
    return this.#events.shift();
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}
