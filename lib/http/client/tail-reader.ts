import { JournalMismatchError } from '../../errors/journal-mismatch-error';
import type { Position } from '../../journal/position';
import { SeenTexts } from '../seen';
import type { TailPage } from './remote-tail';
import type { SharedTail } from './shared-tail';
import { TailPages } from './tail-pages';

/** A reader, with the entries that have arrived and that it has not read yet. */
export class TailReader<T> {
  readonly seen = new SeenTexts();
  readonly pages = new TailPages<T>();
  tail: SharedTail<T> | undefined;
  /** The last position received. */
  end: Position;
  /** Where replay ends, if that is known. */
  caughtUpAt: Position | undefined;
  /** Called when it joins the connection of other readers. */
  joined: (() => void) | undefined;
  /** Whether it has read everything received, and waits for more. */
  isAsking = false;
  /** How the tail ended, reported after everything received is read. */
  outcome: { readonly error: unknown } | 'ended' | undefined;
  #newest: string | undefined;
  #wake: (() => void) | undefined;

  constructor(after: Position) {
    this.end = after;
  }

  /** Takes the entries of a page that are new to it. */
  take({ records, texts }: TailPage<T>): void {
    const first = records[0]!.position;
    const from = Math.max(0, this.end + 1 - first);
    const repeated = texts[this.end - first];
    if (this.#newest !== undefined && repeated !== undefined && repeated !== this.#newest) {
      const reason = `position ${this.end} holds another entry than the one that was read`;
      this.finish({ error: new JournalMismatchError(reason) });
    } else if (from < records.length) {
      this.pages.push({ records: records.slice(from), texts: texts.slice(from) });
      this.end = records.at(-1)!.position;
      this.#newest = texts.at(-1);
    }
    this.wake();
  }

  finish(outcome: NonNullable<TailReader<T>['outcome']>): void {
    this.tail?.leave(this);
    this.outcome = outcome;
    this.wake();
  }

  /** Whether there is nothing to read or to report. */
  get isWaiting(): boolean {
    return this.pages.all.length === 0 && this.outcome === undefined;
  }

  wake(): void {
    this.#wake?.();
  }

  woken(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}
