import { firstValueFrom, Subject, timer, type Observable, type Subscription } from 'rxjs';
import { BookmarkAheadError } from '../errors/bookmark-ahead-error';
import { flushingOf } from '../flush/flushing-of';
import { newestPosition } from '../journal/newest-position';
import { assertPosition, START, type Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { STORED_AS, type BookmarkStore } from './bookmark-store';

/** How much later, at most, a position that needed no handling is saved. */
const PASSED_MS = 100;

/** For each store in use: settles when all consumers so far have finished. */
const turns = new Map<unknown, Promise<void>>();

/**
 * The bookmark of one consumer while it runs: the consumer owns the store until `end`; others wait their turn.
 *
 * Handling does not wait for saves. They run one at a time, always with the newest position, and never ahead of what was handled or of what is flushed:
 * entries that a crash removes from the journal are handled again.
 */
export class Bookmark<T> {
  readonly #scrivener: Scrivener<T>;
  readonly #store: BookmarkStore;
  readonly #saves = new Subject<Position>();
  readonly #turn: Promise<void>;
  #leave!: () => void;
  #handled: Position = START;
  #saved: Position = START;
  #isSaving = false;
  /** Whether the store has refused a position: it is given no other. */
  #isBroken = false;
  /** Settles when the last save has ended; never rejects. */
  #saving: Promise<void> | undefined;
  #due: Subscription | undefined;
  /** Why what was handled is not saved. */
  #failure: { readonly error: unknown } | undefined;
  #ending: Promise<void> | undefined;

  constructor(scrivener: Scrivener<T>, store: BookmarkStore) {
    this.#scrivener = scrivener;
    this.#store = store;
    const key = (store as { readonly [STORED_AS]?: string })[STORED_AS] ?? store;
    this.#turn = turns.get(key) ?? Promise.resolve();
    const left = new Promise<void>((resolve) => (this.#leave = resolve));
    const next = this.#turn.then(() => left);
    turns.set(key, next);
    void next.then(() => {
      if (turns.get(key) === next) turns.delete(key);
    });
  }

  /** Each position that was saved; errors when one could not be, completes at the end. */
  get saved$(): Observable<Position> {
    return this.#saves;
  }

  /**
   * Waits for its turn and resolves with the bookmark in the store; with {@link START} if it was ended meanwhile.
   *
   * Rejects with `RangeError` if the bookmark is not a position, because starting over would be worse, and with {@link BookmarkAheadError} if the journal ends before it.
   */
  async begin(): Promise<Position> {
    await this.#turn;
    if (this.#ending) return START;
    const position: unknown = await this.#store.load();
    assertPosition('bookmark', position);
    if (position > START) {
      const head = await firstValueFrom(newestPosition(this.#scrivener));
      if (position > head) throw new BookmarkAheadError(position, head);
    }
    return (this.#handled = this.#saved = position);
  }

  /** Everything up to a position is handled. */
  moveTo(position: Position): void {
    this.#handled = position;
    this.#save();
  }

  /** Like `moveTo`, for a position that needed no handling: saved with the next one, or a little later. */
  pass(position: Position): void {
    this.#handled = position;
    this.#due ??= timer(PASSED_MS).subscribe(() => this.#save());
  }

  /** Releases the store when everything handled is saved; rejects with the error that prevents it. Further calls return the same promise. */
  end(): Promise<void> {
    return (this.#ending ??= this.#end());
  }

  #save(): void {
    this.#due?.unsubscribe();
    this.#due = undefined;
    if (this.#isSaving || this.#isBroken) return;
    this.#isSaving = true;
    this.#saving = this.#saveAll();
  }

  async #saveAll(): Promise<void> {
    this.#failure = undefined;
    while (this.#handled > this.#saved) {
      try {
        const flushing = flushingOf(this.#scrivener);
        if (flushing && flushing.flushed <= this.#saved) await flushing.whenFlushed(this.#saved + 1);
        const position = Math.min(this.#handled, flushing ? flushing.flushed : this.#handled);
        if (position > this.#saved) await this.#saveAt(position);
      } catch (error) {
        // If the flusher failed, the next handled position tries again: it may have been replaced.
        this.#failure = { error };
        break;
      }
    }
    this.#isSaving = false;
  }

  async #saveAt(position: Position): Promise<void> {
    try {
      await this.#store.save(position);
    } catch (error) {
      this.#isBroken = true;
      this.#saves.error(error);
      throw error;
    }
    this.#saved = position;
    this.#saves.next(position);
  }

  async #end(): Promise<void> {
    try {
      this.#save();
      await this.#saving;
      if (this.#failure) throw this.#failure.error;
    } finally {
      this.#saves.complete();
      this.#leave();
    }
  }
}
