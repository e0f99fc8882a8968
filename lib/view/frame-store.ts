import {
  animationFrameScheduler,
  asyncScheduler,
  audit,
  Observable,
  race,
  share,
  timer,
  type SchedulerLike,
  type TeardownLogic,
} from 'rxjs';

/** A tab that is hidden has no frames; what it shows in its title, or reads out, continues. */
const WITHOUT_FRAMES_MS = 1_000;

/** What a store is made of. */
export interface FrameStoreOptions<S> {
  /** Begins to watch, and calls `changed` as often as it likes. */
  readonly start: (changed: () => void) => TeardownLogic;
  /** What is to be shown now. */
  readonly read: () => S;
  /** Says when a frame is. Default: the platform's frames; a turn of the event loop where it has none, as in Node and workers */
  readonly scheduler?: SchedulerLike | undefined;
}

/**
 * A store for `useSyncExternalStore` that shows something which changes faster than a screen can draw: one notification a frame, however many
 * changes. Watches while anyone is subscribed.
 */
export class FrameStore<S> {
  readonly #read: () => S;
  readonly #frames$: Observable<void>;
  #snapshot: S;
  #isStale = false;

  constructor({ start, read, scheduler = platformFrames() }: FrameStoreOptions<S>) {
    this.#read = read;
    this.#snapshot = read();
    const changes$ = new Observable<void>((subscriber) => {
      subscriber.add(
        start(() => {
          this.#isStale = true;
          subscriber.next();
        }),
      );
      // What is known at once is there at the first drawing.
      this.#publish();
    });
    this.#frames$ = changes$.pipe(
      audit(() => race(timer(0, scheduler), timer(WITHOUT_FRAMES_MS))),
      share(),
    );
  }

  /** Calls a listener for each frame with changes; returns a function that stops it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const subscription = this.#frames$.subscribe(() => {
      this.#publish();
      listener();
    });
    return () => subscription.unsubscribe();
  };

  /** The value at the last frame; the same object until the next frame with changes. */
  readonly getSnapshot = (): S => this.#snapshot;

  #publish(): void {
    if (!this.#isStale) return;
    this.#isStale = false;
    this.#snapshot = this.#read();
  }
}

function platformFrames(): SchedulerLike {
  return typeof requestAnimationFrame === 'function' ? animationFrameScheduler : asyncScheduler;
}
