import type { Scrivener } from '../journal/scrivener';
import type { Checkpoint, CheckpointStore, Projection } from './projection';

type Kept = WeakMap<object, WeakMap<object, Checkpoint<unknown>>>;

const kept = new WeakMap<object, Kept>();

/** The last state of a projection over a journal, kept as long as both exist; separate for each checkpoint store, because they determine the start. */
export class KeptState<E, S> {
  readonly #states: WeakMap<object, Checkpoint<unknown>>;
  readonly #key: object;

  constructor(scrivener: Scrivener<E>, projection: Projection<E, S>, checkpoints: CheckpointStore<S> | undefined) {
    const projections = getOrAdd(kept, scrivener, (): Kept => new WeakMap());
    this.#states = getOrAdd(projections, projection, () => new WeakMap<object, Checkpoint<unknown>>());
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

function getOrAdd<V>(map: WeakMap<object, V>, key: object, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}
