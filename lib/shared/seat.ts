import { BehaviorSubject, type Observable } from 'rxjs';
import { JournalLockedError } from '../errors/journal-locked-error';
import { JournalLostError } from '../errors/journal-lost-error';
import { WriteUncertainError } from '../errors/write-uncertain-error';
import { openFileScrivener } from '../file/open-file-scrivener';
import type { FileScrivenerConfig } from '../file/file-scrivener-config';
import { located } from '../file/files-reader';
import { errorOf } from '../http/remote-problem';
import type { Position } from '../journal/position';
import { GROUP_PATH, Holder } from './holder';
import { SocketFetch, unsent } from './socket-fetch';
import { socketPathOf } from './socket-path';

/** Nobody resolves it. */
export const ORIGIN = 'http://journal.invalid';

/** Where this process sits: it has the file, or asks who has it, and takes it when that one is gone. */
export class Seat<T> {
  readonly #config: FileScrivenerConfig<T>;
  readonly #socket = new SocketFetch();
  readonly #role$ = new BehaviorSubject<'holder' | 'guest'>('guest');
  readonly #left = new AbortController();
  #holder: Holder<T> | undefined;
  #taking: Promise<JournalLockedError | undefined> | undefined;
  #isClosed = false;

  constructor(config: FileScrivenerConfig<T>) {
    this.#config = config;
  }

  /** Has the file, where this process does. */
  get holder(): Holder<T> | undefined {
    return this.#holder;
  }

  get role$(): Observable<'holder' | 'guest'> {
    return this.#role$.asObservable();
  }

  /** Takes the file if nobody has it; resolves with the error that says who does. */
  take(): Promise<JournalLockedError | undefined> {
    if (this.#holder || this.#isClosed) return Promise.resolve(undefined);
    return (this.#taking ??= this.#take().finally(() => (this.#taking = undefined)));
  }

  /** Asks whoever has the file. Where nobody answers, this process tries to take it, and the request fails: it is made again. */
  readonly fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (this.#holder) return this.#holder.handle(new Request(url, init));
    try {
      const socketPath = await this.#socketPath().catch((cause: unknown) => Promise.reject(unsent(cause)));
      return await this.#socket.fetch(socketPath, url, init);
    } catch (error) {
      if (!init.signal?.aborted) await this.take().catch(() => undefined);
      throw error;
    }
  };

  /** Writes entries, each as JSON, as one; sent once, for nobody remembers a group. */
  async writeGroup(entries: readonly string[], expect: Position | undefined): Promise<Position[]> {
    const body = `{"entries":[${entries.join(',')}]${expect === undefined ? '' : `,"expect":${expect}`}}`;
    const deadline = performance.now() + 30_000;
    for (;;) {
      let response;
      try {
        response = await this.fetch(ORIGIN + GROUP_PATH, { method: 'POST', body, signal: this.#left.signal });
      } catch (error) {
        const { code } = ((error as Error).cause ?? {}) as { code?: unknown };
        if (code !== 'ECONNREFUSED') throw new WriteUncertainError({ cause: error });
        if (performance.now() > deadline) throw new JournalLostError('no process has the file', { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      const answer = (await response.json().catch(() => undefined)) as { positions?: Position[] } | undefined;
      if (response.ok && Array.isArray(answer?.positions)) return answer.positions;
      throw answer === undefined ? new WriteUncertainError() : errorOf(response.status, answer);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#taking?.catch(() => undefined);
    this.#left.abort();
    this.#socket.close();
    this.#role$.complete();
    await this.#holder?.close();
  }

  async #take(): Promise<JournalLockedError | undefined> {
    let file;
    try {
      // What is answered is flushed: it is not to wait for a second.
      file = await openFileScrivener<T>({ flushIntervalMs: 0, ...this.#config, lockTimeoutMs: 0 });
    } catch (error) {
      if (error instanceof JournalLockedError) return error;
      throw error;
    }
    try {
      this.#holder = await Holder.start(file, await this.#socketPath());
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#role$.next('holder');
    return undefined;
  }

  async #socketPath(): Promise<string> {
    return socketPathOf(`${await located(String(this.#config.filePath))}.lock`);
  }
}
