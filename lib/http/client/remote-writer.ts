import { EntryTooLargeError } from '../../errors/entry-too-large-error';
import { EntryValidationError } from '../../errors/entry-validation-error';
import { HttpStatusError } from '../../errors/http-status-error';
import { JournalClosedError } from '../../errors/journal-closed-error';
import { JournalLostError } from '../../errors/journal-lost-error';
import { PositionConflictError } from '../../errors/position-conflict-error';
import { SerializationError } from '../../errors/serialization-error';
import { WriteUncertainError } from '../../errors/write-uncertain-error';
import { onAbort } from '../../journal/abort';
import { START, type Position } from '../../journal/position';
import { Attempt } from './attempt';
import type { Connection } from './connection';
import { maySend, Unreachable } from './retry-until-settled';
import { etag, isPosition, JSON_TYPE, KEY_HEADER, LINES_TYPE, MAX_LINES, MEMORY_HEADER, randomName } from '../protocol';
import { errorOf } from './remote-problem';

/** The most that is sent together, in characters; a larger entry is sent alone. */
const BATCH_LENGTH = 128 * 1024;

/** How an entry is sent. */
export interface Sending {
  readonly expect?: Position | undefined;
  readonly signal?: AbortSignal | undefined;
  /** It is several entries, written as one: their media type, and how many. The answer has the last position. */
  readonly group?: { readonly type: string; readonly count: number };
}

interface Pending extends Pick<Sending, 'expect' | 'group'> {
  readonly json: string;
  /** When `write` was called, in `performance.now()` time. */
  readonly since: number;
  /** Removes it from the queue: an abort can no longer prevent that it is sent. */
  dequeue(): void;
  resolve(position: Position): void;
  reject(error: unknown): void;
}

/**
 * Sends entries in the order of the calls: one request at a time, each with the entries written during the previous one. Sends a request again,
 * under the same key, until its outcome is known.
 */
export class RemoteWriter {
  readonly #connection: Connection;
  readonly #retryMs: number;
  readonly #name = randomName();
  readonly #queue = new Set<Pending>();
  #count = 0;
  /** How many entries go in one request: only one if something in front of the handler, such as Fastify, does not accept lines. */
  #maxLines = MAX_LINES;
  #sending: Promise<void> | undefined;

  /** @param retryMs - how long to retry, in milliseconds */
  constructor(connection: Connection, retryMs: number) {
    this.#connection = connection;
    this.#retryMs = retryMs;
  }

  /** Whether a call is not settled. */
  get isWriting(): boolean {
    return this.#sending !== undefined;
  }

  /** Resolves when every call is settled. */
  get settled(): Promise<void> {
    return Promise.resolve(this.#sending);
  }

  /**
   * Resolves with the entry's position, the last one of a group. Rejects with the signal's reason if it is aborted before the entry is sent, with
   * the server's refusal, with {@link JournalLostError} if it could not be sent, and with {@link WriteUncertainError}.
   */
  write(json: string, { signal, ...sending }: Sending): Promise<Position> {
    return new Promise((resolve, reject) => {
      const dequeue = () => {
        this.#queue.delete(pending);
        unlisten?.();
      };
      const abort = () => {
        dequeue();
        reject(signal?.reason);
      };
      const pending: Pending = { ...sending, json, since: performance.now(), dequeue, resolve, reject };
      this.#queue.add(pending);
      const unlisten = signal && onAbort(signal, abort);
      this.#sending ??= this.#send();
    });
  }

  async #send(): Promise<void> {
    await Promise.resolve(); // what is written in the same turn goes together
    while (this.#queue.size > 0) {
      const oldest = this.#queue.values().next().value!;
      const attempt = new Attempt();
      attempt.allow(this.#leftMs(oldest));
      const cause = await this.#connection.whenReachable(attempt.signal);
      const batch = attempt.signal.aborted ? this.#overdue(oldest) : this.#nextBatch();
      for (const pending of batch) pending.dequeue();
      if (attempt.signal.aborted) rejectAll(batch, new JournalLostError('the server does not answer', { cause }));
      else if (batch.length > 0) await this.#post(batch);
      attempt.end();
    }
    this.#sending = undefined;
  }

  /** How long a queued write may still wait for a silent server. */
  #leftMs({ since }: Pending): number {
    return this.#retryMs - this.#connection.silentMs(since);
  }

  /** The queued writes whose time is over: the oldest, and maybe others. */
  #overdue(oldest: Pending): Pending[] {
    return [...this.#queue].filter((pending) => pending === oldest || this.#leftMs(pending) <= 0);
  }

  /** The oldest queued writes; one that expects a position and a group are sent alone. */
  #nextBatch(): Pending[] {
    const batch: Pending[] = [];
    let length = 0;
    for (const pending of this.#queue) {
      length += pending.json.length;
      const isAlone = pending.expect !== undefined || pending.group !== undefined;
      const joins = !isAlone && length <= BATCH_LENGTH && batch.length < this.#maxLines;
      if (batch.length > 0 && !joins) break;
      batch.push(pending);
      if (isAlone) break;
    }
    return batch;
  }

  /** Sends a batch until its outcome is known or its time is over; settles each of its writes. */
  async #post(batch: readonly Pending[]): Promise<void> {
    const [{ expect, group }] = batch as [Pending];
    const headers: Record<string, string> = {
      'Content-Type': group?.type ?? (batch.length === 1 ? JSON_TYPE : LINES_TYPE),
      [KEY_HEADER]: `${this.#name}.${++this.#count}`,
      ...(expect !== undefined && { 'If-Match': etag(expect) }),
    };
    const body = batch.map(({ json }) => json).join('\n');
    const attempt = new Attempt();
    attempt.allow(this.#retryMs);
    const { signal } = attempt;
    let isSent = false;
    for (let tries = 0; ; tries++) {
      const { memory = '' } = this.#connection;
      try {
        const answer = await this.#connection.json({ method: 'POST', headers, body, signal });
        this.#settle(batch, answer);
        break;
      } catch (error) {
        if (!(error instanceof Unreachable)) {
          if (isUntaken(error)) this.#maxLines = 1;
          if ((error instanceof EntryTooLargeError || isUntaken(error)) && batch.length > 1 && !isSent)
            await this.#postHalves(batch);
          else rejectAll(batch, isSent && !isOutcome(error) ? new WriteUncertainError({ cause: error }) : error);
          break;
        }
        if (!isSent && maySend(error)) {
          isSent = true;
          headers[MEMORY_HEADER] = memory;
        }
        if (!signal.aborted) await this.#connection.pause(tries, error, signal);
        if (!signal.aborted) continue;
        rejectAll(
          batch,
          isSent
            ? new WriteUncertainError({ cause: error })
            : new JournalLostError('the server does not answer', { cause: error }),
        );
        break;
      }
    }
    attempt.end();
  }

  async #postHalves(batch: readonly Pending[]): Promise<void> {
    const middle = batch.length >> 1;
    await this.#post(batch.slice(0, middle));
    await this.#post(batch.slice(middle));
  }

  #settle(batch: readonly Pending[], answer: unknown): void {
    const answers: readonly unknown[] = batch.length === 1 ? [answer] : Array.isArray(answer) ? answer : [];
    batch.forEach((pending, index) => {
      const { position, status } = (answers[index] ?? {}) as Readonly<Record<string, unknown>>;
      if (isPosition(position) && position - START >= (pending.group?.count ?? 1)) {
        this.#connection.noteHead(position);
        pending.resolve(position);
      } else if (typeof status === 'number') pending.reject(errorOf(status, answers[index]));
      else pending.reject(new WriteUncertainError());
    });
  }
}

/** Whether a server refuses a body for its media type: the handler accepts lines, but something in front of it may not. */
function isUntaken(error: unknown): boolean {
  return error instanceof HttpStatusError && error.status === 415;
}

function rejectAll(batch: readonly Pending[], error: unknown): void {
  for (const pending of batch) pending.reject(error);
}

/** Whether an error decides a write's outcome, whichever of its requests arrived first. */
function isOutcome(error: unknown): boolean {
  return [
    PositionConflictError,
    EntryValidationError,
    SerializationError,
    JournalClosedError,
    WriteUncertainError,
  ].some((outcome) => error instanceof outcome);
}
