import { Subject, type Observable } from 'rxjs';
import { flushingOf } from '../flush/flushing-of';
import type { Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import type { Checkpoint, CheckpointStore } from './projection';

/**
 * Saves states now and then, one save at a time, always the newest, and never ahead of what the journal has flushed: an entry that a crash removes is in no
 * checkpoint. Nothing waits for it.
 */
export class CheckpointSaver<E, S> {
  readonly #scrivener: Scrivener<E>;
  readonly #store: CheckpointStore<S>;
  readonly #every: number;
  readonly #failed = new Subject<never>();
  #next: Checkpoint<S> | undefined;
  #offered: Position;
  #isSaving = false;
  /** Settles when the last save has ended; never rejects. */
  #saving: Promise<void> | undefined;
  #isBroken = false;
  /** Why `next` is not saved. */
  #failure: { readonly error: unknown } | undefined;

  /** @param after - the position of the checkpoint in the store */
  constructor(scrivener: Scrivener<E>, store: CheckpointStore<S>, every: number, after: Position) {
    this.#scrivener = scrivener;
    this.#store = store;
    this.#every = every;
    this.#offered = after;
  }

  /** Errors when the store refuses a checkpoint; no further ones are saved. */
  get failed$(): Observable<never> {
    return this.#failed;
  }

  /** The position whose state should be offered next. */
  get due(): Position {
    return this.#offered + this.#every;
  }

  /** Saves a state, unless a newer one is offered before its turn; returns the position whose state should be offered next. */
  offer(checkpoint: Checkpoint<S>): Position {
    this.#offered = checkpoint.position;
    this.#next = checkpoint;
    if (!this.#isSaving && !this.#isBroken) {
      this.#isSaving = true;
      this.#saving = this.#saveAll();
    }
    return this.due;
  }

  /** Resolves when the last state is saved, too; rejects with the error that prevents it. */
  async end(last: Checkpoint<S>): Promise<void> {
    if (last.position > this.#offered || this.#failure) this.offer(last);
    await this.#saving;
    if (this.#failure) throw this.#failure.error;
  }

  async #saveAll(): Promise<void> {
    this.#failure = undefined;
    try {
      for (let checkpoint = this.#next; checkpoint; checkpoint = this.#next) {
        await flushingOf(this.#scrivener)?.whenFlushed(checkpoint.position);
        await this.#save(this.#isFlushed(this.#next!.position) ? this.#next! : checkpoint);
      }
    } catch (error) {
      // If the flusher failed, the next offered state tries again: it may have been replaced.
      this.#failure = { error };
    }
    this.#isSaving = false;
  }

  #isFlushed(position: Position): boolean {
    return position <= (flushingOf(this.#scrivener)?.flushed ?? position);
  }

  async #save(checkpoint: Checkpoint<S>): Promise<void> {
    if (this.#next === checkpoint) this.#next = undefined;
    try {
      await this.#store.save(checkpoint);
    } catch (error) {
      this.#isBroken = true;
      this.#failed.error(error);
      throw error;
    }
  }
}
