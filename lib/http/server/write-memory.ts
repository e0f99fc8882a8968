import { Problem } from './problem';
import { randomName } from '../protocol';
import { keyReused, plain, writeOnceAmong, type RememberedWrites } from './remembered-writes';

export const REMEMBER_MS = 300_000;
export const REMEMBER_COUNT = 10_000;

/** The answer to a write. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The body of an answer that the user's hook made. */
  readonly verbatim?: Verbatim | undefined;
}

/** A body as text. */
export interface Verbatim {
  readonly text: string;
  readonly type: string;
}

/** A write request that may be repeated. */
export interface KeyedWrite {
  readonly key: string;
  /** Whose key it is; `undefined` if callers are not distinguished. */
  readonly caller: string | undefined;
  /** The same for the same request. */
  readonly digest: string;
  /** How many entries it has. */
  readonly count: number;
  /** The memory's token before the request was first sent; only on a repeated request. */
  readonly since: string | undefined;
}

/** A memory as JSON. */
interface HandedOver {
  readonly name: string;
  readonly sequence: number;
  readonly forgotten: number;
  /** The key, and what is remembered of it; `at` in milliseconds since 1970. */
  readonly writes: readonly (readonly [string, Omit<Remembered, 'answer'> & { readonly answer: Answer }])[];
}

interface Remembered {
  readonly digest: string;
  readonly count: number;
  readonly answer: Promise<Answer>;
  readonly sequence: number;
  readonly at: number;
}

/**
 * Answers a repeated write with its first answer, even while that is not settled yet; the newest writes are
 * remembered, for a while.
 *
 * Whether a write that is *not* remembered was never received, or was forgotten, shows by the token: it names this memory and how far it
 * had come, and everything newer than the last thing forgotten is still there.
 */
export class WriteMemory {
  #made: string | undefined;
  readonly #writes = new Map<string, Remembered>();
  readonly #maxMs: number;
  readonly #maxCount: number;
  readonly #servers: RememberedWrites | undefined;
  readonly #report: (error: unknown) => unknown;
  #sequence = 0;
  #forgotten = 0;
  #count = 0;

  /**
   * @param maxCount - how many entries to remember the writing of
   * @param servers - what other servers remember; `undefined` where there are none
   * @param report - receives their errors
   */
  constructor(
    maxMs: number,
    maxCount: number,
    servers?: RememberedWrites,
    report: (error: unknown) => unknown = () => undefined,
  ) {
    this.#maxMs = maxMs;
    this.#maxCount = maxCount;
    this.#servers = servers;
    this.#report = report;
  }

  /** What it remembers, for a memory that continues with it; call it when no more writes come. */
  async handOver(): Promise<string> {
    const writes: [string, unknown][] = [];
    for (const [key, { answer, at, ...write }] of this.#writes) {
      const settled = await answer.catch(() => undefined);
      if (settled) writes.push([key, { ...write, at: at + performance.timeOrigin, answer: plain(settled) }]);
    }
    return JSON.stringify({ name: this.#name, sequence: this.#sequence, forgotten: this.#forgotten, writes });
  }

  /** Takes over what another memory has handed over; this one must have no writes yet. */
  takeOver(text: string): void {
    const { name, sequence, forgotten, writes } = JSON.parse(text) as HandedOver;
    [this.#made, this.#sequence, this.#forgotten] = [name, sequence, forgotten];
    for (const [key, { answer, at, ...write }] of writes) {
      this.#writes.set(key, { ...write, at: at - performance.timeOrigin, answer: Promise.resolve(answer) });
      this.#count += write.count;
    }
  }

  /** Made for the first request: Cloudflare's workerd has no random values while a module is loaded. */
  get #name(): string {
    return (this.#made ??= randomName());
  }

  /** The memory's current token. */
  get token(): string {
    return `${this.#name}.${this.#sequence}`;
  }

  /**
   * The earlier or new answer to the write. Throws a 422 if the key was used for another request, and a 409 for a repeated request
   * if it is unknown whether it was received before.
   */
  answer({ key: name, caller, digest, count, since }: KeyedWrite, write: () => Promise<Answer>): Promise<Answer> {
    const key = JSON.stringify([caller ?? null, name]);
    this.#forget();
    const known = this.#writes.get(key);
    if (known) {
      if (known.digest === digest) return known.answer;
      throw keyReused();
    }
    if (this.#servers === undefined && since !== undefined && !this.#knowsAllSince(since)) {
      throw new Problem(409, 'ERR_WRITE_UNCERTAIN', 'It is not known whether the request was received before');
    }
    const answer = this.#servers ? writeOnceAmong(this.#servers, { key, digest }, write, this.#report) : write();
    const remembered = { digest, count, answer, sequence: ++this.#sequence, at: performance.now() };
    this.#writes.set(key, remembered);
    this.#count += count;
    const forget = () => {
      if (this.#writes.get(key) === remembered) this.#delete(key);
    };
    // Nothing was appended, and a retry may succeed.
    answer.then(({ status }) => status === 503 && forget(), forget);
    return answer;
  }

  #knowsAllSince(token: string): boolean {
    const [name, sequence] = token.split('.');
    return name === this.#name && Number(sequence) >= this.#forgotten;
  }

  #forget(): void {
    const oldest = performance.now() - this.#maxMs;
    for (const [key, { at, sequence }] of this.#writes) {
      if (at >= oldest && this.#count < this.#maxCount) return;
      this.#delete(key);
      this.#forgotten = sequence;
    }
  }

  #delete(key: string): void {
    this.#count -= this.#writes.get(key)?.count ?? 0;
    this.#writes.delete(key);
  }
}
