import { assertFunction, assertMethods, shown } from '../errors/assert-argument';
import type { Position } from '../journal/position';
import type { OfType } from '../operators/is-type';

/**
 * How a journal becomes a state: the state before the first entry, and how each entry changes it.
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
  /** Returns the state after an entry. What it throws ends the read with that error. */
  readonly evolve: (state: S, entry: E, position: Position) => S;
}

/** How the entries of each type change a state; other types leave it unchanged. */
export type EvolveByType<E extends { readonly type: string }, S> = {
  readonly [K in E['type']]?: (state: S, entry: OfType<E, K>, position: Position) => S;
};

/**
 * Makes a {@link Projection} whose types are checked where it is written; `evolve` is a function, or one for each `type` of entry that changes the state.
 *
 * @throws TypeError when `initial`, `evolve` or a member of it is no function
 * @example
 * ```ts
 * const todos = projection<Entry, readonly string[]>({
 *   initial: () => [],
 *   evolve: {
 *     Added: (todos, { text }) => [...todos, text],
 *     Done: (todos, { text }) => todos.filter((todo) => todo !== text),
 *   },
 * });
 * ```
 */
export function projection<E, S>(definition: {
  readonly initial: () => S;
  readonly evolve: Projection<E, S>['evolve'] | ([E] extends [{ readonly type: string }] ? EvolveByType<E, S> : never);
}): Projection<E, S> {
  assertMethods('projection', definition, ['initial']);
  const { initial, evolve } = definition;
  if (typeof evolve === 'function') return { initial, evolve };
  if (typeof evolve !== 'object' || (evolve as unknown) === null)
    throw new TypeError(`Expected \`evolve\` to be a function, or an object of functions, got ${shown(evolve)}`);
  const byType = new Map(Object.entries(evolve as Readonly<Record<string, Projection<E, S>['evolve'] | undefined>>));
  for (const [type, change] of byType) assertFunction(`evolve.${type}`, change);
  return {
    initial,
    evolve: (state, entry, position) => {
      const change = byType.get((entry as { readonly type?: string } | null | undefined)?.type ?? '');
      return change ? change(state, entry, position) : state;
    },
  };
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
  /** The checkpoint saved last; `undefined` if there is none. One that cannot be loaded is ignored. */
  load(): Promise<Checkpoint<S> | undefined>;
  /** Resolves when a later `load` will return this checkpoint. */
  save(checkpoint: Checkpoint<S>): Promise<void>;
}

/** Throws a `TypeError` for a value that is not a projection. */
export function assertProjection(projection: unknown): void {
  assertMethods('projection', projection, ['initial', 'evolve']);
}

/** Throws a `TypeError` for a value that is neither a checkpoint store nor `undefined`. */
export function assertCheckpoints(checkpoints: unknown): void {
  if (checkpoints !== undefined) assertMethods('checkpoints', checkpoints, ['load', 'save']);
}
