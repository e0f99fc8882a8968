import { nuid } from '@nats-io/nats-core';
import type { Position } from '../journal/position';
import { Chain } from './chain';
import { board, Flight, type Departure } from './flight';

/** How many flights are in the air where none can be lost and the next not. */
const MOST_FLIGHTS = 1_024;

/** What decides how many flights may be in the air. */
export interface WindowOptions {
  /** The stream takes atomic batches. */
  readonly isAtomic: boolean;
  /** The stream's leader may change. */
  readonly isClustered: boolean;
  /** The server compares the last id when it stores a message, after those that it was sent before. */
  readonly isChainable: boolean;
}

/**
 * The calls whose outcome is not known, in their order: flights in the air, then a queue. Says which of the queue may depart.
 *
 * On a server that stands alone many flights are in the air. In a cluster, when the leader changes, one could be lost and the next not. So it is one where
 * the stream takes batches: what is called meanwhile goes in the next, as one batch. Elsewhere those in the air are a {@link Chain}, where the server is
 * one that can be given one, or else one.
 */
export class SendWindow {
  readonly #isClustered: boolean;
  readonly #isChainable: boolean;
  readonly #chain = new Chain();
  readonly #id = nuid.next();
  /** Whether the stream takes atomic batches, as far as it is known. */
  isAtomic: boolean;
  #queue = new Set<Departure>();
  /** By their tokens. */
  readonly #flights = new Map<string, Flight>();
  /** The last that departed. */
  #newest: Flight | undefined;
  #count = 0;
  /** The newest position that the stream has acknowledged, or had when it was opened. */
  #acknowledged: Position;

  constructor({ isAtomic, isClustered, isChainable }: WindowOptions, head: Position) {
    this.isAtomic = isAtomic;
    this.#isClustered = isClustered;
    this.#isChainable = isChainable;
    this.#acknowledged = head;
  }

  get isEmpty(): boolean {
    return this.#queue.size === 0 && this.#flights.size === 0;
  }

  /** The calls that have not departed, as they are now. */
  get queued(): Departure[] {
    return [...this.#queue];
  }

  /** The flights in the air, as they are now. */
  get flights(): Flight[] {
    return [...this.#flights.values()];
  }

  /** How many flights are in the air. */
  get inTheAir(): number {
    return this.#flights.size;
  }

  get oldest(): Flight | undefined {
    return this.#flights.values().next().value;
  }

  /** Whether flights follow each other by their ids. */
  get isChained(): boolean {
    return this.#isClustered && this.#isChainable && !this.isAtomic;
  }

  /** The flight in the air that has a token. */
  flight(token: string): Flight | undefined {
    return this.#flights.get(token);
  }

  add(call: Departure): void {
    this.#queue.add(call);
  }

  /** Takes a call from the queue. */
  remove(call: Departure): void {
    this.#queue.delete(call);
  }

  /** The next flight, which is then in the air; `undefined` if there is no room for one, or no call. */
  depart(): Flight | undefined {
    if (this.#queue.size === 0 || !this.#hasRoom()) return undefined;
    const calls = board(this.#queue, this.isAtomic && this.#isClustered);
    if (calls.length === 0) return undefined;
    const token = String(++this.#count);
    const previous = this.isChained && this.#flights.size > 0 ? this.#newest?.id : undefined;
    const flight = new Flight(calls, token, `${this.#id}.${token}`, this.#acknowledged, previous);
    this.#newest = flight;
    this.#flights.set(token, flight);
    return flight;
  }

  /** The stream has stored a flight, at these positions. */
  acknowledged(first: Position, last: Position): void {
    this.#chain.acknowledged(first);
    this.#acknowledged = Math.max(this.#acknowledged, last);
  }

  /** A flight was refused because another one came between, or it is not known what became of some. */
  broke(): void {
    this.#chain.broke();
  }

  /** The flight is no longer in the air. */
  forget(flight: Flight): void {
    this.#flights.delete(flight.token);
    flight.search?.abort();
  }

  /** A flight and those after it are no longer in the air; their calls are the first of the queue again. */
  returnFrom(first: Flight): void {
    const { flights } = this;
    const returned = flights.slice(flights.indexOf(first));
    for (const flight of returned) this.forget(flight);
    this.#newest = this.flights.at(-1);
    this.putBack(returned.flatMap(({ calls }) => calls));
  }

  /** Calls are the first of the queue again. */
  putBack(calls: readonly Departure[]): void {
    this.#queue = new Set([...calls, ...this.#queue]);
  }

  #hasRoom(): boolean {
    if (!this.#isClustered) return this.#flights.size < MOST_FLIGHTS;
    if (this.#flights.size === 0) return true;
    if (!this.isChained || this.#flights.size >= this.#chain.length) return false;
    // What expects a position is alone in the air: it may be refused for what was lost before it.
    const [next] = this.#queue;
    return next?.expect === undefined && this.#newest?.expect === undefined;
  }
}
