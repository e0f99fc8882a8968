import {
  catchError,
  concat,
  defer,
  EMPTY,
  Observable,
  retry,
  Subscription,
  take,
  throwError,
  timer,
  type SchedulerLike,
} from 'rxjs';
import { assertCount, assertMethods, assertOptions } from '../errors/assert-argument';
import { isTrimmed, type PositionTrimmedError } from '../errors/position-trimmed-error';
import { assertPosition, type Position, type Positioned } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { FrameStore } from './frame-store';
import { JournalPages, PAGE_SIZE, pageStart } from './journal-pages';

/** How much a view keeps, and when it notifies. */
export interface JournalViewOptions {
  /**
   * How many entries to keep in memory, an integer >= 1: those shown, the newest, and those shown last. Others are read again when they are
   * shown. @default 10000
   */
  readonly keep?: number;
  /** Says when the next frame is. Default: RxJS's `animationFrameScheduler`; its `asyncScheduler` where there are no frames, as in Node */
  readonly scheduler?: SchedulerLike;
}

const OPTIONS: Record<keyof JournalViewOptions, true> = { keep: true, scheduler: true };

/** A journal as it was at a frame. */
export interface JournalSnapshot<T> {
  /** The last position, {@link START} until it is known, or when there is none. */
  readonly head: Position;
  /** The oldest position that can be read: 1, unless the journal has dropped entries. */
  readonly first: Position;
  /** Whether replay has ended, so that further entries are new. */
  readonly caughtUp: boolean;
  /** The journal's error, which ended the view; `undefined` if there is none. */
  readonly error: unknown;
  /** {@link JournalView.at} of the view. */
  at(position: Position): Positioned<T> | undefined;
  /** {@link JournalView.show} of the view. */
  show(from: Position, to: Position): void;
}

/**
 * A window on a journal of any length, for a screen: it knows the journal's end, follows it, and reads what is shown. Needs no framework.
 *
 * It reads while anyone is subscribed, and notifies of changes once per frame. It keeps a bounded number of entries: the newest and those shown. When
 * no one is subscribed, it reads nothing; the next subscriber finds the journal's end at that time.
 *
 * @example
 * ```ts
 * const view = new JournalView(scrivener);
 * const leave = view.subscribe(() => {
 *   const { first, head } = view.getSnapshot();
 *   const from = Math.max(first, head - 49);
 *   view.show(from, head);
 *   for (let position = from; position <= head; position++) draw(position, view.at(position)?.entry);
 * });
 * ```
 */
export class JournalView<T> {
  readonly #scrivener: Scrivener<T>;
  readonly #pages: JournalPages<T>;
  readonly #store: FrameStore<JournalSnapshot<T>>;
  #first: Position = 1;
  #caughtUp = false;
  #error: unknown;
  /** `undefined` while nothing is read. */
  #reading: { readonly changed: () => void; readonly all: Subscription } | undefined;
  #loading: { readonly position: Position; readonly subscription: Subscription } | undefined;

  /** @throws RangeError when `keep` is no integer >= 1, TypeError that names another option which is wrong or unknown */
  constructor(scrivener: Scrivener<T>, options: JournalViewOptions = {}) {
    assertMethods('scrivener', scrivener, ['tail', 'readBackward']);
    assertOptions('JournalView', options, OPTIONS);
    const { keep = 10_000, scheduler } = options;
    assertCount('keep', keep);
    if (scheduler !== undefined) assertMethods('scheduler', scheduler, ['schedule', 'now']);
    this.#scrivener = scrivener;
    this.#pages = new JournalPages(keep);
    this.#store = new FrameStore({ start: (changed) => this.#start(changed), read: () => this.#read(), scheduler });
  }

  /** Calls a listener once for each frame with changes; returns a function that stops it. Reading begins with the first listener and ends with the last. */
  get subscribe(): (listener: () => void) => () => void {
    return this.#store.subscribe;
  }

  /** The journal as it was at the last frame; the same object until there is something new. */
  get getSnapshot(): () => JournalSnapshot<T> {
    return this.#store.getSnapshot;
  }

  /**
   * The journal as it is, then as it was at each frame that has something new: what templates of Angular, Svelte and Vue show. Reads while anyone is
   * subscribed, never completes, and never errors: what the journal fails with is the snapshot's `error`.
   */
  readonly snapshot$ = new Observable<JournalSnapshot<T>>((subscriber) => {
    const leave = this.subscribe(() => subscriber.next(this.getSnapshot()));
    subscriber.next(this.getSnapshot());
    return leave;
  });

  /** The record at a position, where it is kept; {@link JournalView.show} reads others. */
  at = (position: Position): Positioned<T> | undefined => this.#pages.at(position);

  /**
   * Says which positions are on the screen, both included: those not kept are read, the newest first, until they are no longer
   * shown. If there are more than `keep`, only the newest.
   *
   * @throws RangeError when one is no safe integer >= 0
   */
  show = (from: Position, to: Position): void => {
    assertPosition('from', from);
    assertPosition('to', to);
    this.#pages.show({ from, to });
    this.#load();
  };

  #read(): JournalSnapshot<T> {
    const { at, show } = this;
    return { head: this.#pages.head, first: this.#first, caughtUp: this.#caughtUp, error: this.#error, at, show };
  }

  #start(changed: () => void): Subscription {
    this.#caughtUp = false;
    this.#error = undefined;
    const all = new Subscription(() => {
      this.#reading = undefined;
      this.#loading?.subscription.unsubscribe();
      this.#loading = undefined;
    });
    this.#reading = { changed, all };
    all.add(
      concat(this.#newest(), this.#live())
        // It fell behind what the journal keeps. A screen shows the newest.
        .pipe(
          retry({
            delay: (error) => (isTrimmed(error) ? timer(0) : throwError((): unknown => error)),
          }),
        )
        .subscribe({
          next: (record) => this.#add(record),
          error: (error: unknown) => this.#fail(error),
        }),
    );
    return all;
  }

  /** The newest page, which tells where the journal ends. */
  #newest(): Observable<Positioned<T>> {
    return defer(() =>
      this.#scrivener.readBackward().pipe(
        take(PAGE_SIZE),
        catchError((error: unknown) => {
          if (!isTrimmed(error)) throw error;
          this.#trim(error);
          return EMPTY;
        }),
      ),
    );
  }

  #live(): Observable<Positioned<T>> {
    const caughtUp = () => {
      this.#caughtUp = true;
      this.#reading?.changed();
    };
    return defer(() => {
      this.#load();
      return this.#scrivener.tail(this.#pages.head, { caughtUp });
    });
  }

  /** Reads what is missing, a page at a time; in a loop, for a journal in memory is read at once. */
  #load(): void {
    while (this.#reading && !this.#isWanted(this.#loading?.position)) {
      this.#loading?.subscription.unsubscribe();
      this.#loading = undefined;
      const missing = this.#pages.newestMissing(this.#first);
      if (missing === undefined) return;
      this.#loadPage(missing);
    }
  }

  #loadPage(missing: Position): void {
    const subscription = new Subscription();
    this.#loading = { position: missing, subscription };
    let isSynchronous = true;
    let isFound = false;
    const loaded = () => {
      // What a journal does not have it will not have when it is asked again.
      if (!isFound) this.#first = Math.max(this.#first, missing + 1);
      this.#loading = undefined;
      if (!isSynchronous) this.#load();
    };
    subscription.add(
      this.#scrivener
        .readBackward(missing + 1)
        .pipe(take(missing - pageStart(missing) + 1))
        .subscribe({
          next: (record) => {
            // It may be dropped again before the page is whole, when it is no longer shown.
            isFound ||= record.position === missing;
            this.#add(record);
          },
          error: (error: unknown) => {
            if (!isTrimmed(error)) return this.#fail(error);
            this.#trim(error);
            loaded();
          },
          complete: loaded,
        }),
    );
    isSynchronous = false;
  }

  #isWanted(position: Position | undefined): boolean {
    const { from, to } = this.#pages.shown;
    return position !== undefined && position >= pageStart(from) && pageStart(position) <= to;
  }

  #add(record: Positioned<T>): void {
    this.#pages.add(record);
    this.#reading?.changed();
  }

  #trim({ first }: PositionTrimmedError): void {
    this.#first = Math.max(this.#first, first);
    this.#pages.reach(first - 1);
    this.#reading?.changed();
  }

  #fail(error: unknown): void {
    this.#error = error;
    this.#reading?.changed();
    this.#reading?.all.unsubscribe();
  }
}
