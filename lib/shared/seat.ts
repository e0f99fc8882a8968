import { BehaviorSubject, type Observable } from 'rxjs';
import { JournalLockedError, nameOf } from '../errors/journal-locked-error';
import { JournalLostError } from '../errors/journal-lost-error';
import { WriteUncertainError } from '../errors/write-uncertain-error';
import { openFileScrivener } from '../file/open-file-scrivener';
import type { FileScrivenerConfig } from '../file/file-scrivener-config';
import { located } from '../file/follow/files-reader';
import { TIMED_OUT } from '../http/client/attempt';
import { Holder } from './holder';
import { SocketFetch, unsent } from './socket-fetch';
import { socketPathOf } from './socket-path';

/** The place of this process: it holds the file, or asks the holder, and takes the file when the holder is gone. */
export class Seat<T> {
  readonly #config: FileScrivenerConfig<T>;
  readonly #socket = new SocketFetch();
  readonly #role$ = new BehaviorSubject<'holder' | 'guest'>('guest');
  #holder: Holder<T> | undefined;
  #taking: Promise<JournalLockedError | undefined> | undefined;
  #isClosed = false;
  /** The socket where the holder last answered. */
  #found: string | undefined;
  /** When a holder last answered, in `performance.now()` time. */
  #answeredAt = 0;
  /** Why this process could not take the file when nobody answered; cleared by the next answer. */
  #trouble: unknown;

  constructor(config: FileScrivenerConfig<T>) {
    this.#config = config;
  }

  /** Set if this process holds the file. */
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
    if (this.#holder) return this.#noteAnswer(await this.#holder.handle(new Request(url, init)));
    try {
      const socketPath: string =
        this.#found ?? (await this.#socketPath().catch((cause: unknown) => Promise.reject(unsent(cause))));
      this.#found = socketPath;
      return this.#noteAnswer(await this.#socket.fetch(socketPath, url, init));
    } catch (error) {
      this.#found = undefined;
      // An aborted caller needs nothing; one without an answer needs to know who does not answer.
      if (!init.signal?.aborted || init.signal.reason === TIMED_OUT) await this.look();
      throw error;
    }
  };

  /** Takes the file if nobody has it; otherwise records who does not answer. */
  async look(): Promise<void> {
    const asked = performance.now();
    const trouble = await this.take().catch((error: unknown) => error);
    if (this.#answeredAt <= asked) this.#trouble = trouble;
  }

  /** The reason why nobody answers, if it is known; otherwise the given error. */
  reasonFor(error: unknown): unknown {
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

  /** The error for a rejected write, which says who did not answer, if that was the reason. */
  reasonForWrite(error: unknown): unknown {
    if (error instanceof JournalLostError) return this.reasonFor(error);
    const cause = error instanceof WriteUncertainError ? this.reasonFor(undefined) : undefined;
    return cause === undefined ? error : new WriteUncertainError({ cause });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#taking?.catch(() => undefined);
    this.#socket.close();
    this.#role$.complete();
    await this.#holder?.close();
  }

  #noteAnswer(response: Response): Response {
    this.#answeredAt = performance.now();
    this.#trouble = undefined;
    return response;
  }

  async #takeFile(): Promise<JournalLockedError | undefined> {
    let file;
    try {
      // Answers wait for the flush, which must not wait for a second.
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
