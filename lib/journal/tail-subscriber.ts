import type { Subscriber } from 'rxjs';
import { push, type TailCursor } from './cursor';
import type { LiveReader } from './log';
import type { Positioned } from './position';

/** Pushes a tail into a subscriber: first what the log holds, then each new record. */
export class TailSubscriber<T> implements LiveReader<T> {
  readonly #cursor: TailCursor<T>;
  readonly #subscriber: Subscriber<Positioned<T>>;

  constructor(cursor: TailCursor<T>, subscriber: Subscriber<Positioned<T>>) {
    this.#cursor = cursor;
    this.#subscriber = subscriber;
  }

  start(): void {
    const { log } = this.#cursor;
    log.replay(() => push(this.#cursor, this.#subscriber));
    if (this.#subscriber.closed) return;
    log.join(this);
    this.#subscriber.add(() => log.leave(this));
  }

  take(record: Positioned<T>): void {
    // A reader that joined during the delivery has already read the record from the log.
    if (record.position !== this.#cursor.after + 1) return;
    this.#cursor.after = record.position;
    this.#subscriber.next(record);
  }

  end(): void {
    push(this.#cursor, this.#subscriber);
  }
}
