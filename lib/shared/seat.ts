import { BehaviorSubject, type Observable } from 'rxjs';
import { JournalLockedError, nameOf } from '../errors/journal-locked-error';
import { JournalLostError } from '../errors/journal-lost-error';
import { ScrivenerError } from '../errors/scrivener-error';
import { WriteUncertainError } from '../errors/write-uncertain-error';
import { openFileScrivener } from '../file/open-file-scrivener';
import type { FileScrivenerConfig } from '../file/file-scrivener-config';
import { located } from '../file/follow/files-reader';
import { KEY_HEADER, MEMORY_HEADER, randomName } from '../http/protocol';
import { Attempt, TIMED_OUT } from '../http/client/attempt';
import { ANSWER_MS } from '../http/client/connection';
import { sleep } from '../http/client/retry-until-settled';
import { errorOf } from '../http/client/remote-problem';
import type { Position } from '../journal/position';
import { GROUP_PATH, Holder } from './holder';
import { isUnsent, SocketFetch, unsent } from './socket-fetch';
import { socketPathOf } from './socket-path';

/** Nobody resolves it. */
export const ORIGIN = 'http://journal.invalid';

/** So long a write is tried while nobody answers. */
export const RETRY_MS = 30_000;
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
  /** Where somebody answered. */
  #found: string | undefined;
  /** How far what holders remember of writes had come at the newest answer. */
  #memory = '';
  /** When anybody answered last, as `performance.now()` counts. */
  #answeredAt = 0;
  /** Why this process could not take the file when nobody answered, until somebody does. */
  #trouble: unknown;

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
    return (this.#taking ??= this.#takeFile().finally(() => (this.#taking = undefined)));
  }

  /** Sends a request to the holder of the file. If nobody answers, this process tries to take the file, and the request fails, to be retried. */
  readonly fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (this.#holder) return this.#noteMemory(await this.#holder.handle(new Request(url, init)));
    try {
      const socketPath: string =
        this.#found ?? (await this.#socketPath().catch((cause: unknown) => Promise.reject(unsent(cause))));
      this.#found = socketPath;
      return this.#noteMemory(await this.#socket.fetch(socketPath, url, init));
    } catch (error) {
      this.#found = undefined;
      // An aborted caller needs nothing; one that got no answer needs to know who does not answer.
      if (!init.signal?.aborted || init.signal.reason === TIMED_OUT) await this.look();
      throw error;
    }
  };

  /** Takes the file if nobody has it, and otherwise notes who does not answer. */
  async look(): Promise<void> {
    const asked = performance.now();
    const trouble = await this.take().catch((error: unknown) => error);
    if (this.#answeredAt <= asked) this.#trouble = trouble;
  }

  /** Why nobody answers, as far as that is known; otherwise the error that there is. */
  explain(error: unknown): unknown {
    const cause = this.#trouble;
    if (cause === undefined) return error;
    const { holder } = cause instanceof JournalLockedError ? cause : {};
    if (holder)
      return new JournalLostError(`${nameOf(holder)} has the file since ${holder.since}, and does not answer`, {
        cause,
      });
    const reason =
      cause instanceof JournalLockedError ? 'who has the file does not answer' : 'this process cannot take the file';
    return new JournalLostError(reason, { cause });
  }

  /** What a write rejects with, with why nobody answered it where that is so. */
  explainWrite(error: unknown): unknown {
    if (error instanceof JournalLostError) return this.explain(error);
    const cause = error instanceof WriteUncertainError ? this.explain(undefined) : undefined;
    return cause === undefined ? error : new WriteUncertainError({ cause });
  }

  /**
   * Writes entries, each as JSON, as one: sent again, under the same key, until it is known what became of them, or for too long.
   *
   * @param since - when it was called, as `performance.now()` counts
   */
  async writeGroup(entries: readonly string[], expect: Position | undefined, since: number): Promise<Position[]> {
    const body = `{"entries":[${entries.join(',')}]${expect === undefined ? '' : `,"expect":${expect}`}}`;
    const headers: Record<string, string> = { [KEY_HEADER]: randomName() };
    const leftMs = RETRY_MS - (performance.now() - Math.max(since, this.#answeredAt));
    const trying = new Attempt(this.#left.signal);
    trying.allow(leftMs);
    if (leftMs <= 0) trying.end();
    let isSent = false;
    let failure: unknown;
    try {
      while (!trying.signal.aborted) {
        const memory = this.#memory;
        const attempt = new Attempt(trying.signal);
        attempt.allow(ANSWER_MS);
        try {
          const response = await this.fetch(ORIGIN + GROUP_PATH, {
            method: 'POST',
            headers,
            body,
            signal: attempt.signal,
          });
          const answer = (await response.json()) as { positions?: Position[] };
          if (response.ok && Array.isArray(answer.positions)) return answer.positions;
          throw errorOf(response.status, answer);
        } catch (error) {
          if (ScrivenerError.is(error)) throw error;
          failure = error;
          if (!isSent && !isUnsent(error)) {
            isSent = true;
            headers[MEMORY_HEADER] = memory;
          }
        } finally {
          attempt.end();
        }
        await sleep(PAUSE_MS, trying.signal);
      }
    } finally {
      trying.end();
    }
    throw isSent
      ? new WriteUncertainError({ cause: failure })
      : new JournalLostError('no process has the file', { cause: failure });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#taking?.catch(() => undefined);
    this.#left.abort();
    this.#socket.close();
    this.#role$.complete();
    await this.#holder?.close();
  }

  #noteMemory(response: Response): Response {
    this.#answeredAt = performance.now();
    this.#trouble = undefined;
    this.#memory = response.headers.get(MEMORY_HEADER) ?? this.#memory;
    return response;
  }

  async #takeFile(): Promise<JournalLockedError | undefined> {
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
