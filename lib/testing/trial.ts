import { lastValueFrom, toArray, type Observable } from 'rxjs';
import type { Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { deepEqual } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { added, type ConformanceEntry } from './conformance-entry';
import type { ConformanceCreateOptions, ConformanceSubject } from './conformance-subject';
import type { CountedAbort } from './counted-abort';
import { Iteration } from './iteration';
import { adds, Watch, type Awaits, type ConformanceRecord } from './watch';

/** What a scrivener may have itself instead of the subject's hooks. */
interface OwnHooks {
  complete?(): unknown;
  error?(reason: unknown): unknown;
  readonly observed?: boolean;
}

/** One run of one case: its scrivener, the readers it opened, and what is to be released in the end. */
export class Trial {
  readonly #releases: (() => unknown)[] = [];
  readonly #over = new AbortController();
  #opening: Promise<ConformanceSubject> | undefined;
  #subject!: ConformanceSubject;
  #scrivener!: Scrivener<ConformanceEntry>;
  #awaited: string | undefined;

  /** What the case waits for, as far as it said. */
  get awaited(): string {
    return this.#awaited ?? 'what it called';
  }

  /** The scrivener under test. */
  get scrivener(): Scrivener<ConformanceEntry> {
    return this.#scrivener;
  }

  async open(
    create: (options: ConformanceCreateOptions) => ConformanceSubject | Promise<ConformanceSubject>,
    { retain, given = 0 }: Pick<ConformanceCase, 'retain' | 'given'>,
  ): Promise<void> {
    this.#opening = Promise.resolve(create(retain === undefined ? {} : { retain }));
    this.#subject = await this.awaits('`create`', this.#opening);
    const history =
      typeof given === 'number'
        ? adds(1, given)
            .slice(0, given)
            .map(({ entry }) => entry)
        : given;
    for (const entry of history) await this.awaits('a write', this.#subject.scrivener.write(entry));
    this.#scrivener = this.#subject.reopen
      ? await this.awaits('`reopen`', Promise.resolve(this.#subject.reopen()))
      : this.#subject.scrivener;
  }

  async dispose(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#releases.reverse().map((release) => release()));
    await (await this.#opening)?.dispose?.();
  }

  /** Runs something at the end of the case, however it ends. */
  afterwards(release: () => unknown): void {
    this.#releases.push(release);
  }

  readonly awaits: Awaits = async (what, promise) => {
    this.#awaited = what;
    const value = await promise;
    if (this.#awaited === what) this.#awaited = undefined;
    return value;
  };

  /** A promise that is awaited later on: its rejection is no unhandled one meanwhile. */
  hold<V>(promise: Promise<V>): Promise<V> {
    promise.catch(() => {});
    return promise;
  }

  /** Polls for a condition that no event reports. */
  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    this.#awaited = what;
    while (!(await condition())) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      this.#over.signal.throwIfAborted();
    }
    this.#awaited = undefined;
  }

  watch(stream: Observable<ConformanceRecord>, react?: (record: ConformanceRecord, watch: Watch) => void): Watch {
    const watch = new Watch(this.awaits, stream, react);
    this.afterwards(() => watch.unsubscribe());
    return watch;
  }

  iterate(stream: AsyncIterable<ConformanceRecord>): Iteration {
    const iteration = new Iteration(this.awaits, stream);
    this.afterwards(() => void this.hold(iteration.return())); // a broken one may never answer
    return iteration;
  }

  /** Writes the `added` entries from one position to another, one after the other. */
  async add(from: Position, to: Position = from): Promise<void> {
    for (let n = from; n <= to; n++) await this.awaits('a write', this.#scrivener.write(added(n)));
  }

  /** Everything a stream gives until it completes. */
  collect(stream: Observable<ConformanceRecord>): Promise<ConformanceRecord[]> {
    return this.awaits('a stream to complete', lastValueFrom(stream.pipe(toArray())));
  }

  /** Checks that the journal holds so many `added` entries and nothing else. */
  async holds(count: number): Promise<void> {
    const expected = adds(1, count).slice(0, count);
    deepEqual((await this.collect(this.#scrivener.readBackward())).reverse(), expected, 'What the journal holds');
  }

  /** Completes the journal. */
  async complete(): Promise<void> {
    const own = this.#scrivener as OwnHooks;
    if (this.#subject.complete) await this.#subject.complete();
    else if (typeof own.complete === 'function') own.complete();
    else throw missing('complete');
  }

  /** Ends the journal with an error. */
  async fail(reason: unknown): Promise<void> {
    const own = this.#scrivener as OwnHooks;
    if (this.#subject.fail) await this.#subject.fail(reason);
    else if (typeof own.error === 'function') own.error(reason);
    else throw missing('fail');
  }

  /** Whether anyone reads the journal or waits for it. */
  async observed(): Promise<boolean> {
    const own = this.#scrivener as OwnHooks;
    if (this.#subject.observed) return this.#subject.observed();
    if (typeof own.observed === 'boolean') return own.observed;
    throw missing('observed');
  }

  /** Waits until nobody reads the journal any more. */
  released(): Promise<void> {
    return this.until('every subscription to be released', async () => !(await this.observed()));
  }

  /** Waits until nobody listens on the signal any more. */
  unheard(abort: CountedAbort): Promise<void> {
    return this.until('every listener on the signal to be removed', () => abort.listeners === 0);
  }
}

function missing(hook: 'complete' | 'fail' | 'observed'): Error {
  return new Error(
    `\`create\` gave no \`${hook}\`: add it, or say \`supports: { ${hook}: false }\` to skip the cases that need it`,
  );
}
