import { START, type Position } from '../journal/position';
import type { Run } from './protocol';

/** Who appended: an idempotent producer. */
export interface Producer {
  readonly id: string;
  readonly epoch: number;
  readonly seq: number;
}

/** How a stream was created. */
export interface Creation {
  readonly type: 'Created';
  /** Told from another stream of the same name. */
  readonly id: string;
  readonly contentType: string;
  readonly ttlSeconds?: number;
  readonly expiresAt?: string;
  /** How many messages it is created with: with fewer it is half created, and none. */
  readonly initial: number;
  readonly isClosed?: boolean;
  readonly fork?: { readonly from: string; readonly offset: string; readonly sub: number };
}

/** Is on record before its messages are appended: whether they are shows where the journal ends. */
export interface Append {
  readonly type: 'Appended';
  readonly after: Position;
  readonly count: number;
  readonly producer?: Producer;
  readonly seq?: string;
  readonly closes?: boolean;
}

/**
 * What is on record about a stream beside its messages, in a journal of its own: so each message is an entry for every reader, and the record of
 * it is there before it is.
 */
export type StreamRecord =
  | Creation
  | Append
  /** The append before it did not happen, but for so many messages that its producer has written, in this try and those before. */
  | { readonly type: 'BrokenOff'; readonly producer?: Producer; readonly done: number }
  /** Another stream was made of it, or that one is gone. */
  | { readonly type: 'Forked' | 'ForkDeleted'; readonly name: string }
  /** Its messages are deleted, and its name is taken as long as forks of it are there. */
  | { readonly type: 'Deleted' };

/** Where these are, by the stream's name. */
export const RECORDS = '.durable-streams/';

/** What the records of a stream add up to. */
export class StreamState {
  creation: Creation | undefined;
  /** The newest append on record, while not all of its messages are in the journal. */
  begun: Append | undefined;
  /** How many messages of that are written; `undefined` if that is not known: a process before this one began it. */
  written: number | undefined;
  /** After which position the newest append is. */
  #after = START;
  /** Takes back the newest append. */
  #undo: (() => void) | undefined;
  /** What is there of appends that broke off. */
  readonly #parts = new Map<string, Producer & { readonly runs: readonly Run[] }>();
  /** The newest append of each producer, and where its messages are. */
  readonly producers = new Map<string, { epoch: number; seq: number; last: Position; runs: readonly Run[] }>();
  seq: string | undefined;
  isClosed = false;
  /** Who closed it. */
  closedBy: Producer | undefined;
  readonly forks = new Set<string>();
  isDeleted = false;
  lastAccessMs = Date.now();

  /** @param head - where the journal ends: an append past it did not happen, or in part */
  add(record: StreamRecord, head: Position): void {
    if (record.type === 'Created') {
      this.creation = record;
      this.isClosed = record.isClosed === true;
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

  /** An append is on record, and its messages are not in the journal yet. */
  begin(record: Append, written?: number): void {
    this.begun = record;
    this.#after = record.after;
    this.written = written;
    this.#undo = undefined;
  }

  /** How many messages are there of an append that broke off. */
  doneOf(producer: Producer): number {
    return this.#partOf(producer).reduce((sum, { count }) => sum + count, 0);
  }

  #partOf({ id, epoch, seq }: Producer): readonly Run[] {
    const part = this.#parts.get(id);
    return part?.epoch === epoch && part.seq === seq ? part.runs : [];
  }

  /** Where so many messages of a producer are with the newest append, which continues what broke off. */
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

  /** What a stream is that nobody created through this server: its journal's entries are JSON. */
  get contentType(): string {
    return this.creation?.contentType ?? 'application/json';
  }

  /** Whether its time is over. */
  get isExpired(): boolean {
    const { ttlSeconds, expiresAt } = this.creation ?? {};
    if (expiresAt !== undefined && Date.now() >= Date.parse(expiresAt)) return true;
    return ttlSeconds !== undefined && Date.now() >= this.lastAccessMs + ttlSeconds * 1000;
  }
}
