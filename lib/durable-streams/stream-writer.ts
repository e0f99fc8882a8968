import { catchError, first, of } from 'rxjs';
import { HttpStatusError } from '../errors/http-status-error';
import { JournalClosedError } from '../errors/journal-closed-error';
import { SerializationError } from '../errors/serialization-error';
import { WriteUncertainError } from '../errors/write-uncertain-error';
import type { Attempt } from '../http/client/attempt';
import { maySend, type Unreachable } from '../http/client/retry-until-settled';
import { onAbort } from '../journal/abort';
import type { InMemoryScrivener } from '../journal/in-memory-scrivener';
import type { Position } from '../journal/position';
import {
  JSON_TYPE,
  positionsIn,
  PRODUCER_EPOCH_HEADER,
  PRODUCER_ID_HEADER,
  PRODUCER_SEQ_HEADER,
  SEQUENCE_GAP,
} from './protocol';
import { readToEnd, type StreamClient } from './stream-client';

/** The part of a stream that was read. */
type Read = Pick<InMemoryScrivener<unknown>, 'head' | 'head$' | 'tail'>;

/** A write that waits to be sent. */
interface Waiting {
  readonly text: string;
  /** Removes it from the queue: from then on an abort cannot keep it from being sent. */
  readonly dequeue: () => void;
  readonly resolve: (position: Position) => void;
  readonly reject: (error: unknown) => void;
}

/** The statuses of refusals that may be for one message of several. */
const OF_CONTENT: readonly number[] = [400, 413, 422];

const MAX_BATCH = 100;
/** In characters, of up to three bytes: a server may refuse a body that is too large. */
const MAX_LENGTH = 512 * 1024;

/** Epochs per millisecond: few are alike, and all stay below 2^53 until the year 2112. */
const EPOCHS_PER_MS = 2_000;
let lastEpoch = 0;

/** Greater than those of all earlier scriveners of this process, also after their refusals; those of other processes in the same millisecond are most likely different. */
function firstEpoch(): number {
  const now = Date.now() * EPOCHS_PER_MS + Math.floor(Math.random() * EPOCHS_PER_MS);
  return (lastEpoch = Math.max(lastEpoch + EPOCHS_PER_MS, now));
}

/** Writes to a stream, in turn, as an idempotent producer. */
export class StreamWriter {
  readonly #client: StreamClient;
  readonly #read: Read;
  readonly #waiting = new Set<Waiting>();
  readonly #producer: string;
  /** Greater than that of any earlier scrivener: the server shuts those out. After a refusal the next one begins. */
  #epoch = firstEpoch();
  #seq = 0;
  #isSending = false;

  constructor(client: StreamClient, read: Read, producer: string) {
    this.#client = client;
    this.#read = read;
    this.#producer = producer;
  }

  async write(entry: unknown, signal: AbortSignal | undefined): Promise<Position> {
    const text = textOf(entry);
    return new Promise((resolve, reject) => {
      const dequeue = () => {
        this.#waiting.delete(write);
        unlisten?.();
      };
      const abort = () => {
        dequeue();
        reject(signal?.reason);
      };
      const write: Waiting = { text, dequeue, resolve, reject };
      this.#waiting.add(write);
      const unlisten = signal && onAbort(signal, abort);
      if (!this.#isSending) void this.#send();
    });
  }

  /** Sends the waiting writes, a batch at a time, each until it is acknowledged. */
  async #send(): Promise<void> {
    this.#isSending = true;
    // Writes of the same turn go together.
    await Promise.resolve();
    while (this.#waiting.size > 0) {
      const batch: Waiting[] = [];
      let length = 0;
      for (const write of this.#waiting) {
        length += write.text.length;
        if (batch.length > 0 && length > MAX_LENGTH) break;
        if (batch.push(write) === MAX_BATCH) break;
      }
      for (const { dequeue } of batch) dequeue();
      await this.#post(batch);
    }
    this.#isSending = false;
  }

  /** Sends writes together, each one on its own if they are refused for one of them; settles each. */
  async #post(batch: readonly Waiting[]): Promise<void> {
    try {
      const positions = await this.#append(batch.map(({ text }) => text));
      const last = positions.at(-1)!;
      // Its writer reads it from then on.
      const read$ = this.#read.head$.pipe(
        first((head) => head >= last, last),
        catchError(() => of(last)),
      );
      read$.subscribe(() => {
        for (const [index, { resolve }] of batch.entries()) resolve(positions[index]!);
      });
    } catch (error) {
      if (batch.length > 1 && error instanceof HttpStatusError && OF_CONTENT.includes(error.status)) {
        for (const write of batch) await this.#post([write]);
      } else for (const { reject } of batch) reject(error);
    }
  }

  /** Appends messages exactly once, however often they must be sent; resolves with their positions. */
  async #append(texts: readonly string[]): Promise<readonly Position[]> {
    const before = this.#read.head;
    const use = async (response: Response, attempt: Attempt) => {
      if (!response.ok) throw await this.#client.refusalOf(response, attempt);
      const positions = positionsIn(response, texts.length);
      await readToEnd(response, attempt);
      return positions;
    };
    const sent = { isInDoubt: false };
    const failed = (error: Unreachable) => void (sent.isInDoubt ||= maySend(error));
    for (;;) {
      const headers = {
        'Content-Type': JSON_TYPE,
        [PRODUCER_ID_HEADER]: this.#producer,
        [PRODUCER_EPOCH_HEADER]: String(this.#epoch),
        [PRODUCER_SEQ_HEADER]: String(this.#seq),
      };
      try {
        const request = { method: 'POST', headers, body: `[${texts.join(',')}]` } as const;
        const told = await this.#client.ask('', request, use, failed);
        this.#seq++;
        return told ?? (await this.#find(texts, before));
      } catch (error) {
        // The server has lost its memory of the producer, as it may when it is restarted.
        const isForgotten = this.#seq > 0 && error instanceof HttpStatusError && error.remoteCode === SEQUENCE_GAP;
        // What was sent under the sequence number may be there, or come yet: the server must not take the next messages for it.
        this.#epoch++;
        this.#seq = 0;
        if (sent.isInDoubt) throw new WriteUncertainError({ cause: error });
        if (!isForgotten) throw error;
      }
    }
  }

  /** The positions of accepted messages if the server does not say: waits until they are read, and recognizes them by their text, one after the other. */
  async #find(texts: readonly string[], after: Position): Promise<readonly Position[]> {
    const newest: string[] = [];
    for await (const { position, entry } of this.#read.tail(after)) {
      newest.push(textOf(entry));
      if (newest.length > texts.length) newest.shift();
      if (newest.length === texts.length && newest.every((text, index) => text === texts[index]))
        return texts.map((_, index) => position - texts.length + 1 + index);
    }
    throw new JournalClosedError();
  }
}

function textOf(entry: unknown): string {
  let text: string | undefined;
  try {
    text = (JSON.stringify as (value: unknown) => string | undefined)(entry);
  } catch (cause) {
    throw new SerializationError('it is not JSON', { cause });
  }
  if (text === undefined) throw new SerializationError('it is not JSON');
  return text;
}
