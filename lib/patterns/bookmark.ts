import { firstValueFrom, Subject, timer, type Observable, type Subscription } from 'rxjs';
import { BookmarkAheadError } from '../errors/bookmark-ahead-error';
import { flushingOf } from '../flush/flushing-of';
import { newestPosition } from '../journal/newest-position';
import { assertPosition, START, type Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { STORED_AS, type BookmarkStore } from './bookmark-store';

/** What needed no handling is saved so much later at the latest. */
const PASSED_MS = 100;

/** For each store in use: settles when all who have come for it so far have left. */
const turns = new Map<unknown, Promise<void>>();

/**
 * The bookmark of one consumer while it runs: its store is this consumer's alone until `end`; others wait for their turn.
 *
 * Handling does not wait for it. It is saved one position at a time, the newest next, and is never ahead of what was handled or of what is flushed:
 * what a crash can take back from the journal is handled again.
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
  /** Settles when the saving that was begun last has come to its end; never rejects. */
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
   * Waits for its turn and resolves with the bookmark in the store; at {@link START} when it was ended meanwhile.
   *
   * Rejects with `RangeError` when that is no position: to start over would be worse; with {@link BookmarkAheadError} when the journal ends before it.
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

  /** As `moveTo`, for what needed no handling: saved with what comes next, or a little later. */
  pass(position: Position): void {
    this.#handled = position;
    this.#due ??= timer(PASSED_MS).subscribe(() => this.#save());
  }

  /** Gives the store up when all that was handled is saved; rejects with the error that prevents it. Again: the same promise. */
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
        // Of the flusher, the next that is handled tries again: it may have been replaced.
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
