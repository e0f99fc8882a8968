import { catchError, first, of } from 'rxjs';
import { JournalClosedError } from '../errors/journal-closed-error';
import { SerializationError } from '../errors/serialization-error';
import { onAbort } from '../journal/abort';
import type { InMemoryScrivener } from '../journal/in-memory-scrivener';
import type { Position } from '../journal/position';
import { JSON_TYPE, positionsIn, PRODUCER_EPOCH_HEADER, PRODUCER_ID_HEADER, PRODUCER_SEQ_HEADER } from './protocol';
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

const MAX_BATCH = 100;
/** In characters, of up to three bytes: a server may refuse a body that is too large. */
const MAX_LENGTH = 512 * 1024;

/** Epochs per millisecond: few are alike, and all stay below 2^53 until the year 2112. */
const EPOCHS_PER_MS = 2_000;
let lastEpoch = 0;

/** Greater than all before it in this process; those of other processes in the same millisecond are most likely different. */
function nextEpoch(): number {
  const now = Date.now() * EPOCHS_PER_MS + Math.floor(Math.random() * EPOCHS_PER_MS);
  return (lastEpoch = Math.max(lastEpoch + 1, now));
}

/** Writes to a stream, in turn, as an idempotent producer. */
export class StreamWriter {
  readonly #client: StreamClient;
  readonly #read: Read;
  readonly #waiting = new Set<Waiting>();
  readonly #producer: string;
  /** Greater than that of any earlier scrivener: the server shuts those out. */
  readonly #epoch = nextEpoch();
  #seq = 0;
  #isSending = false;
  /** The error after which nothing more is written: later writes would leave a gap. */
  #failure: unknown;

  constructor(client: StreamClient, read: Read, producer: string) {
    this.#client = client;
    this.#read = read;
    this.#producer = producer;
  }

  async write(entry: unknown, signal: AbortSignal | undefined): Promise<Position> {
    if (this.#failure !== undefined) throw this.#failure;
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
        this.#failure = error;
        for (const { dequeue, reject } of [...batch, ...this.#waiting]) {
          dequeue();
          reject(error);
        }
      }
    }
    this.#isSending = false;
  }

  /** Appends messages exactly once, however often they must be sent; resolves with their positions. */
  async #append(texts: readonly string[]): Promise<readonly Position[]> {
    const headers = {
      'Content-Type': JSON_TYPE,
      [PRODUCER_ID_HEADER]: this.#producer,
      [PRODUCER_EPOCH_HEADER]: String(this.#epoch),
      [PRODUCER_SEQ_HEADER]: String(this.#seq),
    };
    const body = `[${texts.join(',')}]`;
    const before = this.#read.head;
    const told = await this.#client.ask('', { method: 'POST', headers, body }, async (response, attempt) => {
      if (!response.ok) throw await this.#client.refusalOf(response, attempt);
      const positions = positionsIn(response, texts.length);
      await readToEnd(response, attempt);
      return positions;
    });
    this.#seq++;
    return told ?? this.#find(texts, before);
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
