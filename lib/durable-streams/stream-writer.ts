import { catchError, first, firstValueFrom, of, ReplaySubject, type Observable } from 'rxjs';
import { HttpStatusError } from '../errors/http-status-error';
import { JournalMismatchError } from '../errors/journal-mismatch-error';
import { NotSupportedError } from '../errors/not-supported-error';
import { SerializationError } from '../errors/serialization-error';
import { WriteUncertainError } from '../errors/write-uncertain-error';
import type { Attempt } from '../http/client/attempt';
import { release } from '../http/client/connection';
import { maySend, type Unreachable } from '../http/client/retry-until-settled';
import { onAbort } from '../journal/abort';
import type { InMemoryScrivener } from '../journal/in-memory-scrivener';
import type { Position } from '../journal/position';
import {
  JSON_TYPE,
  OFFSET_HEADER,
  positionsIn,
  PRODUCER_EPOCH_HEADER,
  PRODUCER_ID_HEADER,
  PRODUCER_SEQ_HEADER,
  SEQUENCE_GAP,
} from './protocol';
import type { StreamClient } from './stream-client';
import type { Mark, StreamReader } from './stream-reader';

/** The answer to messages that were accepted. */
interface Receipt {
  /** Their positions, if the server tells them. */
  readonly positions: readonly Position[] | undefined;
  /** An offset after them. */
  readonly offset: string | null;
  /** Whether the offset is the one directly after them: they were not there before. */
  readonly isNew: boolean;
}

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
  readonly #reader: Pick<StreamReader<unknown>, 'mark$' | 'decode'>;
  readonly #waiting = new Set<Waiting>();
  readonly #producer: string;
  /** Greater than that of any earlier scrivener: the server shuts those out. After a refusal the next one begins. */
  #epoch = firstEpoch();
  #seq = 0;
  #isSending = false;

  constructor(
    client: StreamClient,
    read: Read,
    reader: Pick<StreamReader<unknown>, 'mark$' | 'decode'>,
    producer: string,
  ) {
    this.#client = client;
    this.#read = read;
    this.#reader = reader;
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

  /** Appends messages, and resolves with their positions. */
  async #append(texts: readonly string[]): Promise<readonly Position[]> {
    const marks$ = new ReplaySubject<Mark>(Infinity);
    const marking = this.#reader.mark$.subscribe(marks$);
    const before = this.#read.head;
    try {
      const receipt = await this.#deliver(texts);
      return receipt.positions ?? (await this.#find(texts, before, receipt, marks$));
    } finally {
      marking.unsubscribe();
    }
  }

  /** Sends messages until they are accepted or refused: they are appended exactly once, however often they must be sent. */
  async #deliver(texts: readonly string[]): Promise<Receipt> {
    const use = async (response: Response, attempt: Attempt) => {
      const { ok, status, headers } = response;
      if (!ok) throw await this.#client.refusalOf(response, attempt);
      release(response);
      const offset = headers.get(OFFSET_HEADER);
      const isNew = status === 200;
      // A portal, or a redirect that made a GET of it.
      if (offset === null && isNew) throw new JournalMismatchError('what answered a write is no stream');
      return { positions: positionsIn(response, texts.length), offset, isNew };
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
        const receipt = await this.#client.ask('', request, use, failed);
        this.#seq++;
        return receipt;
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

  /**
   * The positions of accepted messages if the server does not say: waits until they are read, and recognizes them by where the server says that they end, or
   * by what they are. Rejects if neither tells.
   */
  async #find(
    texts: readonly string[],
    before: Position,
    receipt: Receipt,
    marks$: Observable<Mark>,
  ): Promise<readonly Position[]> {
    const { length } = texts;
    try {
      const offset = receipt.offset ?? (await this.#end());
      const mark = await firstValueFrom(marks$.pipe(first((mark) => mark.offset >= offset)));
      const exact = receipt.isNew && mark.offset === offset && mark.head - before >= length ? mark.head : undefined;
      const wanted = texts.map((text) => comparable(this.#reader.decode(JSON.parse(text))));
      const newest: string[] = [];
      const ends: Position[] = [];
      if (mark.head > before) {
        for await (const { position, entry } of this.#read.tail(before)) {
          newest.push(comparable(entry));
          if (newest.length > length) newest.shift();
          if (newest.length === length && newest.every((text, index) => text === wanted[index])) ends.push(position);
          if (position >= mark.head) break;
        }
      }
      const last = exact !== undefined && ends.includes(exact) ? exact : (ends[0] ?? exact);
      if (last === undefined) throw new NotSupportedError('to find an entry that the server has changed');
      return texts.map((_, index) => last - length + 1 + index);
    } catch (cause) {
      throw new WriteUncertainError({ cause });
    }
  }

  /** The offset at the end of the stream. */
  #end(): Promise<string> {
    return this.#client.ask('', { method: 'HEAD' }, async (response, attempt) => {
      const offset = response.headers.get(OFFSET_HEADER);
      if (!response.ok || offset === null) throw await this.#client.refusalOf(response, attempt);
      release(response);
      return offset;
    });
  }
}

/** A text that is the same for all that JSON does not tell apart: the order of keys may be another. */
function comparable(entry: unknown): string {
  return JSON.stringify(entry, (_, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
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
