import { assertFunction } from '../errors/assert-argument';
import type { Position } from '../journal/position';

/**
 * What a journal adds up to: a state before the first entry, and how each entry changes it.
 *
 * `evolve` is pure: it returns the next state and changes neither its arguments nor anything else. States are handed out and kept, so one that is
 * changed in place changes for everyone who holds it. Keep one projection object and reuse it: {@link decide} and {@link currentState} remember
 * the last state for each.
 *
 * @example
 * ```ts
 * const count: Projection<ChatEntry, number> = { initial: () => 0, evolve: (count) => count + 1 };
 * ```
 */
export interface Projection<E, S> {
  readonly initial: () => S;
  /** Gives the state after an entry. What it throws ends the reading with that error. */
  readonly evolve: (state: S, entry: E, position: Position) => S;
}

/** A state, and the position of the last entry in it. */
export interface Checkpoint<S> {
  readonly position: Position;
  readonly state: S;
}

/**
 * Keeps the newest checkpoint, so that a state need not be built from the journal's start.
 *
 * @example
 * ```ts
 * const checkpoints: CheckpointStore<number> = { load: () => db.get('count'), save: (checkpoint) => db.set('count', checkpoint) };
 * ```
 */
export interface CheckpointStore<S> {
  /** The checkpoint saved last, `undefined` when there is none. One that cannot be loaded is passed over. */
  load(): Promise<Checkpoint<S> | undefined>;
  /** Resolves when a later `load` gives this checkpoint. */
  save(checkpoint: Checkpoint<S>): Promise<void>;
}

export function assertProjection<E, S>({ initial, evolve }: Projection<E, S>): void {
  assertFunction('initial', initial);
  assertFunction('evolve', evolve);
}
