import type { LineSource } from './line-source';

interface Held {
  readonly source: Promise<LineSource>;
  users: number;
  closing?: NodeJS.Timeout;
}

/** The open sources: each is opened for its first user, and closed some time after the last one has finished. */
export class HeldSources {
  readonly #open: (name: string) => Promise<LineSource>;
  readonly #keptMs: number;
  readonly #held = new Map<string, Held>();

  /** @param keptMs - how long an unused source stays open; `Infinity`: until `close` */
  constructor(open: (name: string) => Promise<LineSource>, keptMs: number) {
    this.#open = open;
    this.#keptMs = keptMs;
  }

  has(name: string): boolean {
    return this.#held.has(name);
  }

  /** Keeps a source open until the work is done; resolves with its result. Rejects with the error that opening the source fails with. */
  async using<R>(name: string, work: (source: LineSource) => R | Promise<R>): Promise<R> {
    const held = this.#held.get(name) ?? this.#hold(name);
    held.users++;
    clearTimeout(held.closing);
    try {
      return await work(await held.source);
    } finally {
      held.users--;
      const isLast = held.users === 0 && this.#held.get(name) === held;
      if (isLast && this.#keptMs < Infinity) held.closing = setTimeout(() => void this.#release(name), this.#keptMs);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#held.keys()].map((name) => this.#release(name)));
  }

  #hold(name: string): Held {
    const held: Held = { source: this.#open(name), users: 0 };
    this.#held.set(name, held);
    // The next user tries again.
    held.source.catch(() => {
      if (this.#held.get(name) === held) this.#held.delete(name);
    });
    return held;
  }

  async #release(name: string): Promise<void> {
    const { source, closing } = this.#held.get(name)!;
    this.#held.delete(name);
    clearTimeout(closing);
    const opened = await source.catch(() => undefined);
    await opened?.close();
  }
}
