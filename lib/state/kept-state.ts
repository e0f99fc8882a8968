import { innermost } from '../flush/flushing-of';
import type { Scrivener } from '../journal/scrivener';
import type { Checkpoint, CheckpointStore, Projection } from './projection';

type Level = WeakMap<object, unknown>;

/** The states by the scrivener inside all wrappers, by the scrivener, by the projection, and by what determines the start. */
const kept: Level = new WeakMap();

/** The journal of a scrivener was deleted: another one may take its place. */
export function forgetStates(scrivener: object): void {
  kept.delete(scrivener);
}

/** The last state of a projection over a journal, kept as long as both exist; separate for each checkpoint store, because they determine the start. */
export class KeptState<E, S> {
  readonly #states: Level;
  readonly #key: object;

  constructor(scrivener: Scrivener<E>, projection: Projection<E, S>, checkpoints: CheckpointStore<S> | undefined) {
    this.#states = [innermost(scrivener), scrivener, projection].reduce(levelBelow, kept);
    this.#key = checkpoints ?? projection;
  }

  get(): Checkpoint<S> | undefined {
    return this.#states.get(this.#key) as Checkpoint<S> | undefined;
  }

  /** Keeps a state unless a newer one is kept already. */
  set(checkpoint: Checkpoint<S>): void {
    const last = this.get();
    if (!last || last.position <= checkpoint.position) this.#states.set(this.#key, checkpoint);
  }
}

function levelBelow(level: Level, key: object): Level {
  if (!level.has(key)) level.set(key, new WeakMap());
  return level.get(key) as Level;
}
