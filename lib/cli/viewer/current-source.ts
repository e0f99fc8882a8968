import { Subject, type Subscription } from 'rxjs';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../terminal/describe-error';
import type { Line } from './line';
import type { Extent, LineSource } from './line-source';

/** The pause before it is opened again; doubled after each failure. */
const PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** Whatever has a name now: opened again when the opened one is over, for example a file whose journal is rotated for the first time. */
export class CurrentSource implements LineSource {
  readonly changes$ = new Subject<void>();
  readonly isOver = false;
  readonly #name: string;
  readonly #open: () => Promise<LineSource>;
  readonly #left = new AbortController();
  #source: LineSource;
  #changes: Subscription;
  #error: string | undefined;
  /** The generations of the sources that are over. It starts at a number of its own, so that a page that reconnects sees that this one was opened later. */
  #generations = Date.now();
  #reopening: Promise<void> | undefined;

  constructor(name: string, source: LineSource, open: () => Promise<LineSource>) {
    this.#name = name;
    this.#open = open;
    this.#source = source;
    this.#changes = this.#follow();
  }

  get extent(): Extent {
    const extent = this.#source.extent;
    return {
      ...extent,
      generation: this.#generations + extent.generation,
      error: this.#error ?? extent.error,
    };
  }

  get samples(): number {
    return this.#source.samples;
  }

  lines(from: number, to: number): AsyncIterable<Line> {
    return this.#source.lines(from, to);
  }

  find(position: number): Promise<number> {
    return this.#source.find(position);
  }

  async close(): Promise<void> {
    this.#left.abort();
    this.#changes.unsubscribe();
    await this.#reopening;
    this.changes$.complete();
    await this.#source.close();
  }

  #follow(): Subscription {
    const look = () => {
      if (this.#source.isOver) this.#reopening ??= this.#reopen().finally(() => (this.#reopening = undefined));
      this.changes$.next();
    };
    return this.#source.changes$.subscribe(look);
  }

  async #reopen(): Promise<void> {
    const { signal } = this.#left;
    for (let pause = PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      await delay(pause, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        const next = await this.#open();
        const old = this.#source;
        this.#changes.unsubscribe();
        this.#generations += old.extent.generation;
        this.#source = next;
        this.#error = undefined;
        this.#changes = this.#follow();
        await old.close();
        this.changes$.next();
        return;
      } catch (error) {
        this.#error = describeError(error, this.#name);
        this.changes$.next();
      }
    }
  }
}
