import { START, type Position } from '../journal/position';
import type { Run } from './protocol';

/** The idempotent producer of an append. */
export interface Producer {
  readonly id: string;
  readonly epoch: number;
  readonly seq: number;
}

/** How a stream was created. */
export interface Creation {
  readonly type: 'Created';
  /** Distinguishes it from another stream of the same name. */
  readonly id: string;
  readonly contentType: string;
  /** When, in milliseconds since 1970. */
  readonly at?: number;
  readonly ttlSeconds?: number;
  readonly expiresAt?: string;
  /** How many messages it is created with: if there are fewer, its creation was interrupted, and it does not exist. */
  readonly initial: number;
  readonly isClosed?: boolean;
  readonly fork?: { readonly from: string; readonly offset: string; readonly sub: number };
}

/** Recorded before its messages are appended: whether they were is known from where the journal ends. */
export interface Append {
  readonly type: 'Appended';
  readonly after: Position;
  readonly count: number;
  readonly producer?: Producer;
  readonly seq?: string;
  readonly closes?: boolean;
}

/**
 * The record of a stream, in a journal beside that of its messages. So each message is an entry for every reader, and its record is
 * written before it.
 */
export type StreamRecord =
  | Creation
  | Append
  /** The append before it did not happen, except for this many messages, in this try and earlier ones. */
  | { readonly type: 'BrokenOff'; readonly producer?: Producer; readonly done: number }
  /** It was read or written: recorded at most ten times in a TTL. */
  | { readonly type: 'Used'; readonly at: number }
  /** Another stream was forked from it, or that fork is gone. */
  | { readonly type: 'Forked' | 'ForkDeleted'; readonly name: string }
  /** Its messages are deleted, and its name stays taken as long as it has forks. */
  | { readonly type: 'Deleted' };

/** The journal of the record of a stream, by the stream's name. */
export const RECORDS = '.durable-streams/';

/** The state that the records of a stream add up to. */
export class StreamState {
  creation: Creation | undefined;
  /** The newest recorded append, while not all of its messages are in the journal. */
  begun: Append | undefined;
  /** How many of its messages are written; `undefined` if that is unknown because an earlier process began it. */
  written: number | undefined;
  /** The position after which the newest append was made. */
  #after = START;
  /** Takes back the newest append. */
  #undo: (() => void) | undefined;
  /** The written parts of interrupted appends. */
  readonly #parts = new Map<string, Producer & { readonly runs: readonly Run[] }>();
  /** The newest append of each producer, and the positions of its messages. */
  readonly producers = new Map<string, { epoch: number; seq: number; last: Position; runs: readonly Run[] }>();
  seq: string | undefined;
  isClosed = false;
  /** The producer that closed it. */
  closedBy: Producer | undefined;
  readonly forks = new Set<string>();
  isDeleted = false;
  lastAccessMs = Date.now();
  #recordedMs = Date.now();

  /** @param head - the journal's last position: an append past it did not happen, or only in part */
  add(record: StreamRecord, head: Position): void {
    if (record.type === 'Created') {
      this.creation = record;
      this.isClosed = record.isClosed === true;
      this.#usedAt(record.at);
    } else if (record.type === 'Used') {
      this.#usedAt(record.at);
    } else if (record.type === 'Appended') {
      this.begin(record);
      if (record.after + record.count <= head) this.#append(record);
    } else if (record.type === 'BrokenOff') {
      const { producer, done } = record;
      this.#undo?.();
      this.begun = undefined;
      if (producer) this.#parts.set(producer.id, { ...producer, runs: this.#runsOf(producer, done) });
    } else if (record.type === 'Forked') this.forks.add(record.name);
    else if (record.type === 'ForkDeleted') this.forks.delete(record.name);
    else this.isDeleted = true;
  }

  /** It was used then, or until the next such record was due. */
  #usedAt(ms = Date.now()): void {
    this.#recordedMs = ms;
    this.lastAccessMs = Math.min(ms + this.#recordEveryMs, Date.now());
  }

  get #recordEveryMs(): number {
    return (this.creation?.ttlSeconds ?? Infinity) * 100;
  }

  /** It is used now; returns whether that is to be recorded. */
  use(): boolean {
    this.lastAccessMs = Date.now();
    const isDue = this.lastAccessMs >= this.#recordedMs + this.#recordEveryMs;
    if (isDue) this.#recordedMs = this.lastAccessMs;
    return isDue;
  }

  /** An append is recorded, and its messages are not in the journal yet. */
  begin(record: Append, written?: number): void {
    this.begun = record;
    this.#after = record.after;
    this.written = written;
    this.#undo = undefined;
  }

  /** How many messages of an interrupted append were written. */
  doneOf(producer: Producer): number {
    return this.#partOf(producer).reduce((sum, { count }) => sum + count, 0);
  }

  #partOf({ id, epoch, seq }: Producer): readonly Run[] {
    const part = this.#parts.get(id);
    return part?.epoch === epoch && part.seq === seq ? part.runs : [];
  }

  /** The positions of a producer's first messages of an append, this many: those of the interrupted part, then those of the newest append. */
  #runsOf(producer: Producer, done: number): readonly Run[] {
    const count = done - this.doneOf(producer);
    const runs = this.#partOf(producer);
    return count > 0 ? [...runs, { after: this.#after, count }] : runs;
  }

  #append({ after, count, producer, seq, closes }: Append): void {
    const { producers, seq: seqBefore, isClosed, closedBy } = this;
    const known = producer && producers.get(producer.id);
    const part = producer && this.#parts.get(producer.id);
    this.#undo = () => {
      if (producer && known) producers.set(producer.id, known);
      else if (producer) producers.delete(producer.id);
      if (part) this.#parts.set(part.id, part);
      Object.assign(this, { seq: seqBefore, isClosed, closedBy });
    };
    this.begun = undefined;
    if (producer) {
      const { id, epoch, seq } = producer;
      const runs = this.#runsOf(producer, this.doneOf(producer) + count);
      producers.set(id, { epoch, seq, last: after + count, runs });
      this.#parts.delete(id);
    }
    if (seq !== undefined) this.seq = seq;
    if (closes) {
      this.isClosed = true;
      this.closedBy = producer;
    }
  }

  /** The state of a stream that was not created through this server: its journal's entries are JSON. */
  get contentType(): string {
    return this.creation?.contentType ?? 'application/json';
  }

  /** Whether it has expired. */
  get isExpired(): boolean {
    const { ttlSeconds, expiresAt } = this.creation ?? {};
    if (expiresAt !== undefined && Date.now() >= Date.parse(expiresAt)) return true;
    return ttlSeconds !== undefined && Date.now() >= this.lastAccessMs + ttlSeconds * 1000;
  }
}
