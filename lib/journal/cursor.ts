import type { Subscriber } from 'rxjs';
import { given } from './group';
import type { Log } from './log';
import { END, START, type Position, type Positioned } from './position';

/** There is nothing to read now. */
export const PENDING = Symbol();
/** There will be nothing more to read. */
export const ENDED = Symbol();

/** How the reading ended: normally, or with an error. */
export type End = { readonly failed: false } | { readonly failed: true; readonly error: unknown };

/** What a read returns after the last entry; throws the error that the log ended with. */
export function readEnd(end: End | undefined): typeof PENDING | typeof ENDED {
  if (end?.failed) throw end.error;
  return end === undefined ? PENDING : ENDED;
}

/** A place from which reading continues. */
export interface Cursor<V> {
  /** The next value; throws the error that the reading fails with. */
  read(): V | typeof PENDING | typeof ENDED;
  /** The position of the last value read if its group continues, otherwise START. */
  continued?(): Position;
}

/** Reads forward what comes after the position `after`. */
export class TailCursor<T> implements Cursor<Positioned<T>> {
  constructor(
    readonly log: Log<T>,
    public after: Position,
    /** Called once, before the first read that finds nothing left. */
    public caughtUp?: (position: Position) => void,
  ) {}

  read(): Positioned<T> | typeof PENDING | typeof ENDED {
    if (this.after >= this.log.head) {
      const { caughtUp } = this;
      this.caughtUp = undefined;
      caughtUp?.(this.log.head);
    }
    if (this.after < this.log.head) {
      const record = this.log.read(this.after + 1);
      this.after = record.position;
      return record;
    }
    if (this.after === END) return ENDED;
    return readEnd(this.log.end);
  }

  continued(): Position {
    return this.log.continued(this.after);
  }
}

/** Reads backward the entries before the position `before` that the log holds when the cursor is made. */
export class BackwardCursor<T> implements Cursor<Positioned<T>> {
  readonly #log: Log<T>;
  #before: Position;

  constructor(log: Log<T>, before: Position) {
    this.#log = log;
    this.#before = Math.min(before, log.head + 1);
  }

  read(): Positioned<T> | typeof ENDED {
    if (this.#before <= START + 1) return ENDED;
    const record = this.#log.read(this.#before - 1);
    this.#before = record.position;
    return record;
  }
}

/** Pushes everything that the cursor can read now into a subscriber. */
export function push<V>(cursor: Cursor<V>, subscriber: Subscriber<V>): void {
  while (!subscriber.closed) {
    let value;
    try {
      value = cursor.read();
    } catch (error) {
      return subscriber.error(error);
    }
    if (value === PENDING) return;
    if (value === ENDED) return subscriber.complete();
    const outer = given.continued;
    given.continued = cursor.continued?.() ?? START;
    subscriber.next(value);
    given.continued = outer;
  }
}
