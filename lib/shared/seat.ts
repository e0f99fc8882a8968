import { setTimeout as delay } from 'node:timers/promises';
import { BehaviorSubject, type Observable } from 'rxjs';
import { JournalLockedError } from '../errors/journal-locked-error';
import { JournalLostError } from '../errors/journal-lost-error';
import { ScrivenerError } from '../errors/scrivener-error';
import { WriteUncertainError } from '../errors/write-uncertain-error';
import { openFileScrivener } from '../file/open-file-scrivener';
import type { FileScrivenerConfig } from '../file/file-scrivener-config';
import { located } from '../file/follow/files-reader';
import { KEY_HEADER, MEMORY_HEADER, randomName } from '../http/protocol';
import { errorOf } from '../http/client/remote-problem';
import type { Position } from '../journal/position';
import { GROUP_PATH, Holder } from './holder';
import { isUnsent, SocketFetch, unsent } from './socket-fetch';
import { socketPathOf } from './socket-path';

/** Nobody resolves it. */
export const ORIGIN = 'http://journal.invalid';

/** So long a group is tried. */
const RETRY_MS = 30_000;
const PAUSE_MS = 20;

/** Where this process sits: it has the file, or asks who has it, and takes it when that one is gone. */
export class Seat<T> {
  readonly #config: FileScrivenerConfig<T>;
  readonly #socket = new SocketFetch();
  readonly #role$ = new BehaviorSubject<'holder' | 'guest'>('guest');
  readonly #left = new AbortController();
  #holder: Holder<T> | undefined;
  #taking: Promise<JournalLockedError | undefined> | undefined;
  #isClosed = false;
  /** How far what holders remember of writes had come at the newest answer. */
  #memory = '';

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
    if (this.#holder) return this.#noted(await this.#holder.handle(new Request(url, init)));
    try {
      const socketPath = await this.#socketPath().catch((cause: unknown) => Promise.reject(unsent(cause)));
      return this.#noted(await this.#socket.fetch(socketPath, url, init));
    } catch (error) {
      if (!init.signal?.aborted) await this.take().catch(() => undefined);
      throw error;
    }
  };

  /** Writes entries, each as JSON, as one: sent again, under the same key, until it is known what became of them. */
  async writeGroup(entries: readonly string[], expect: Position | undefined): Promise<Position[]> {
    const body = `{"entries":[${entries.join(',')}]${expect === undefined ? '' : `,"expect":${expect}`}}`;
    const headers: Record<string, string> = { [KEY_HEADER]: randomName() };
    const deadline = performance.now() + RETRY_MS;
    for (let isSent = false; ;) {
      const memory = this.#memory;
      let response;
      try {
        response = await this.fetch(ORIGIN + GROUP_PATH, { method: 'POST', headers, body, signal: this.#left.signal });
        const answer = (await response.json()) as { positions?: Position[] };
        if (response.ok && Array.isArray(answer.positions)) return answer.positions;
        throw errorOf(response.status, answer);
      } catch (error) {
        if (ScrivenerError.is(error)) throw error;
        if (!isSent && !isUnsent(error)) {
          isSent = true;
          headers[MEMORY_HEADER] = memory;
        }
        if (this.#left.signal.aborted || performance.now() > deadline)
          throw isSent
            ? new WriteUncertainError({ cause: error })
            : new JournalLostError('no process has the file', { cause: error });
        await delay(PAUSE_MS);
      }
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

  #noted(response: Response): Response {
    this.#memory = response.headers.get(MEMORY_HEADER) ?? this.#memory;
    return response;
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
