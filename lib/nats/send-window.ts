import { nuid } from '@nats-io/nats-core';
import type { Position } from '../journal/position';
import { Chain } from './chain';
import { board, Flight, type Departure } from './flight';

/** How many flights are in the air on a server where it is impossible that one is lost and the next is stored. */
const MOST_FLIGHTS = 1_024;

/** What decides how many flights may be in the air. */
export interface WindowOptions {
  /** Whether the stream takes atomic batches. */
  readonly isAtomic: boolean;
  /** Whether the stream's leader may change. */
  readonly isClustered: boolean;
  /** Whether the server compares the last id when it stores a message, after all messages sent before it. */
  readonly isChainable: boolean;
}

/**
 * The calls whose outcome is unknown, in order: flights in the air, then a queue. Says which of the queue may depart.
 *
 * On a single server many flights are in the air. In a cluster, one could be lost and the next stored when the leader changes. So only one is in the air if
 * the stream takes batches: the calls made meanwhile go together, as the next batch. Otherwise the flights in the air are a {@link Chain}, if the server
 * supports that, or else only one is in the air.
 */
export class SendWindow {
  readonly #isClustered: boolean;
  readonly #isChainable: boolean;
  readonly #chain = new Chain();
  readonly #id = nuid.next();
  /** Whether the stream takes atomic batches, as far as is known. */
  isAtomic: boolean;
  #queue = new Set<Departure>();
  /** The flights in the air by their tokens. */
  readonly #flights = new Map<string, Flight>();
  /** The last flight that departed. */
  #newest: Flight | undefined;
  #count = 0;
  /** The newest position that the stream has acknowledged, or had at the opening. */
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

  /** Whether each flight must follow the one before it, by its id. */
  get isChained(): boolean {
    return this.#isClustered && this.#isChainable && !this.isAtomic;
  }

  /** The flight in the air with this token. */
  flight(token: string): Flight | undefined {
    return this.#flights.get(token);
  }

  add(call: Departure): void {
    this.#queue.add(call);
  }

  /** Removes a call from the queue. */
  remove(call: Departure): void {
    this.#queue.delete(call);
  }

  /** The next flight, which is then in the air; `undefined` if there is no room or no call. */
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

  /** A flight was refused because another came between, or the outcome of some is unknown. */
  broke(): void {
    this.#chain.broke();
  }

  /** The flight is no longer in the air. */
  forget(flight: Flight): void {
    this.#flights.delete(flight.token);
    flight.search?.abort();
  }

  /** A flight and those after it are no longer in the air; their calls are again the first in the queue. */
  returnFrom(first: Flight): void {
    const { flights } = this;
    const returned = flights.slice(flights.indexOf(first));
    for (const flight of returned) this.forget(flight);
    this.#newest = this.flights.at(-1);
    this.putBack(returned.flatMap(({ calls }) => calls));
  }

  /** Puts calls back at the beginning of the queue. */
  putBack(calls: readonly Departure[]): void {
    this.#queue = new Set([...calls, ...this.#queue]);
  }

  #hasRoom(): boolean {
    if (!this.#isClustered) return this.#flights.size < MOST_FLIGHTS;
    if (this.#flights.size === 0) return true;
    if (!this.isChained || this.#flights.size >= this.#chain.length) return false;
    // A call that expects a position is alone in the air: it might be refused because of an earlier loss.
    const [next] = this.#queue;
    return next?.expect === undefined && this.#newest?.expect === undefined;
  }
}
