import { JournalClosedError } from '../../errors/journal-closed-error';
import { isNotFound } from '../../errors/journal-not-found-error';
import type { Borrower, Lease } from '../../journals/leased-scrivener';

/** How journals are opened and closed, and how many are open. */
export interface OpenJournalsOptions<S> {
  /** Rejects with {@link JournalNotFoundError} for a journal that does not exist, unless `creates`. */
  readonly open: (name: string, creates: boolean) => Promise<S>;
  readonly close: (scrivener: S) => Promise<void>;
  readonly maxOpen: number;
  readonly idleMs: number;
}

/** A journal that is open, being opened or closed, or held closed. */
interface Entry<S> {
  readonly name: string;
  creates: boolean;
  scrivener: S | undefined;
  /** The callers that receive it when it is open, in order. */
  waiting: Borrower<S>[];
  /** How many uses it has, and how many of them will end soon. */
  uses: number;
  shortUses: number;
  idleSince: number;
  isDeleted: boolean;
  /** Settles when it is closed, and waiting callers may open it again. */
  closing: Promise<unknown> | undefined;
}

/** The open journals: each is open once, as long as it is used and a while longer. */
export class OpenJournals<S> {
  readonly #options: OpenJournalsOptions<S>;
  readonly #entries = new Map<string, Entry<S>>();
  /** Journals that nobody uses, the longest idle first. */
  readonly #idle = new Set<Entry<S>>();
  /** Journals that wait to be opened when there is room. */
  readonly #toOpen: Entry<S>[] = [];
  readonly #opening = new WeakMap<Entry<S>, Promise<void>>();
  /** How many are open, being opened or closed. */
  #count = 0;
  /** One timer for all, set for the longest idle. */
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: OpenJournalsOptions<S>) {
    this.#options = options;
  }

  /** The journal of a name, if it is open. */
  opened(name: string): S | undefined {
    return this.#entries.get(name)?.scrivener;
  }

  borrow(name: string, borrower: Borrower<S>): void {
    if (this.#closing) return borrower.fail(new JournalClosedError());
    let entry = this.#entries.get(name);
    if (!entry) {
      entry = this.#entry(name, borrower.creates);
      this.#toOpen.push(entry);
      entry.waiting.push(borrower);
      this.#openNext();
    } else if (entry.scrivener !== undefined && !entry.closing) this.#lend(entry, entry.scrivener, borrower);
    else entry.waiting.push(borrower);
  }

  /**
   * Runs work while a journal is closed and cannot be opened.
   *
   * @param closes - whether it is closed first, as deleted, although it is in use; otherwise `work` receives whether it is open
   */
  async hold<R>(name: string, closes: boolean, work: (isOpen: boolean) => Promise<R>): Promise<R> {
    this.#assertOpen();
    let entry = this.#entries.get(name);
    for (; entry; entry = this.#entries.get(name)) {
      if (entry.closing) await entry.closing.catch(() => undefined);
      else if (closes) break;
      else if (entry.scrivener !== undefined) return work(true);
      else await this.#settled(entry);
    }
    this.#assertOpen(); // while it waited, it may have been closed
    const held = entry ?? this.#entry(name, false);
    held.isDeleted = closes;
    this.#idle.delete(held);
    const run = async () => {
      // A journal that waits to be opened is no longer opened.
      const at = this.#toOpen.indexOf(held);
      if (at >= 0) this.#toOpen.splice(at, 1);
      else if (entry) await this.#opening.get(held);
      if (held.scrivener !== undefined) {
        await this.#options.close(held.scrivener).catch(() => undefined);
        this.#count--;
      }
      return work(false);
    };
    const running = run();
    held.closing = running;
    try {
      return await running;
    } finally {
      this.#forget(held);
    }
  }

  /** Closes all journals, even those in use; rejects with the first error. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  #assertOpen(): void {
    if (this.#closing) throw new JournalClosedError();
  }

  #entry(name: string, creates: boolean): Entry<S> {
    const entry: Entry<S> = {
      name,
      creates,
      scrivener: undefined,
      waiting: [],
      uses: 0,
      shortUses: 0,
      idleSince: 0,
      isDeleted: false,
      closing: undefined,
    };
    this.#entries.set(name, entry);
    return entry;
  }

  /** Opens waiting journals as far as there is room. The longest idle are closed to make room; beyond the limit, only journals in long use stay open. */
  #openNext(): void {
    while (this.#toOpen.length > 0) {
      if (this.#count >= this.#options.maxOpen) {
        const [oldest] = this.#idle;
        if (oldest) {
          this.#closeIdle(oldest);
          return;
        }
        if ([...this.#entries.values()].some((entry) => this.#endsSoon(entry))) return;
      }
      const entry = this.#toOpen.shift()!;
      this.#count++;
      this.#opening.set(entry, this.#open(entry));
    }
  }

  #endsSoon(entry: Entry<S>): boolean {
    if (this.#toOpen.includes(entry)) return false;
    return entry.closing !== undefined || entry.scrivener === undefined || entry.uses === entry.shortUses;
  }

  /** Resolves when an entry is open or removed. */
  async #settled(entry: Entry<S>): Promise<void> {
    while (this.#toOpen.includes(entry)) await new Promise((resolve) => void setImmediate(resolve));
    await this.#opening.get(entry);
  }

  async #open(entry: Entry<S>): Promise<void> {
    const { open } = this.#options;
    let scrivener: S;
    try {
      entry.creates ||= entry.waiting.some(({ creates }) => creates);
      scrivener = await open(entry.name, entry.creates);
    } catch (error) {
      this.#count--;
      this.#failed(entry, error);
      return;
    }
    entry.scrivener = scrivener;
    // A caller that has held it closed since then continues after this.
    if (entry.closing) return;
    const waiting = entry.waiting.splice(0);
    entry.uses++; // not idle between two of them
    for (const borrower of waiting) this.#lend(entry, scrivener, borrower);
    this.#used(entry, false);
  }

  #failed(entry: Entry<S>, error: unknown): void {
    if (entry.closing) return;
    // Callers that came while a reader's opening failed, and would create the journal, try again.
    const again = isNotFound(error) && !entry.creates ? entry.waiting.filter(({ creates }) => creates) : [];
    const failed = entry.waiting.filter((borrower) => !again.includes(borrower));
    this.#entries.delete(entry.name);
    for (const borrower of failed) borrower.fail(error);
    for (const borrower of again) this.borrow(entry.name, borrower);
    this.#openNext();
  }

  #lend(entry: Entry<S>, scrivener: S, borrower: Borrower<S>): void {
    const isShort = borrower.creates;
    this.#idle.delete(entry);
    entry.uses++;
    if (isShort) entry.shortUses++;
    let isReleased = false;
    const lease: Lease<S> = {
      scrivener,
      get isDeleted() {
        return entry.isDeleted;
      },
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.#used(entry, isShort);
      },
    };
    borrower.use(lease);
    // A journal in long use no longer makes room.
    if (!isShort) this.#openNext();
  }

  #used(entry: Entry<S>, isShort: boolean): void {
    entry.uses--;
    if (isShort) entry.shortUses--;
    if (entry.uses > 0 || entry.closing || entry.scrivener === undefined) return;
    entry.idleSince = performance.now();
    this.#idle.add(entry);
    this.#openNext();
    const [oldest] = this.#idle;
    if (this.#count > this.#options.maxOpen && oldest) this.#closeIdle(oldest);
    this.#watchIdle();
  }

  #watchIdle(): void {
    const [oldest] = this.#idle;
    if (this.#timer !== undefined || !oldest || this.#options.idleMs === Infinity) return;
    const leftMs = oldest.idleSince + this.#options.idleMs - performance.now();
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        const until = performance.now() - this.#options.idleMs;
        for (const entry of this.#idle) {
          if (entry.idleSince > until) break;
          this.#closeIdle(entry);
        }
        this.#watchIdle();
      },
      Math.max(0, leftMs),
    );
    // An idle journal does not keep the process alive.
    this.#timer.unref();
  }

  #closeIdle(entry: Entry<S>): void {
    this.#idle.delete(entry);
    const close = async () => {
      try {
        await this.#options.close(entry.scrivener!);
      } catch {
        // Its flusher's failure was reported already.
      }
      this.#count--;
    };
    entry.closing = close().finally(() => this.#forget(entry));
  }

  /** It is closed: callers that came meanwhile open it again. */
  #forget(entry: Entry<S>): void {
    this.#entries.delete(entry.name);
    for (const borrower of entry.waiting.splice(0)) this.borrow(entry.name, borrower);
    this.#openNext();
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    const failed: unknown[] = [];
    const closing = [...this.#entries.values()].map(async (entry) => {
      this.#idle.delete(entry);
      if (entry.closing) return entry.closing.catch(() => undefined);
      if (this.#toOpen.includes(entry)) return;
      await this.#opening.get(entry);
      if (entry.scrivener === undefined) return;
      entry.closing = this.#options.close(entry.scrivener).catch((error: unknown) => failed.push(error));
      await entry.closing;
    });
    for (const entry of this.#toOpen.splice(0)) {
      for (const borrower of entry.waiting.splice(0)) borrower.fail(new JournalClosedError());
    }
    await Promise.all(closing);
    this.#entries.clear();
    if (failed.length > 0) throw failed[0];
  }
}
