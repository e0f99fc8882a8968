import type { Position } from '../journal/position';

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
 * What is on record about a stream beside its messages, in a journal of its own: so each message is an entry, whoever reads it, and what is said of
 * it is there before it is.
 */
export type StreamRecord =
  | Creation
  | Append
  /** Another stream was made of it, or that one is gone. */
  | { readonly type: 'Forked' | 'ForkDeleted'; readonly name: string }
  /** Its messages are deleted, and its name is taken as long as forks of it are there. */
  | { readonly type: 'Deleted' };

/** Where these are, by the stream's name. */
export const RECORDS = '.durable-streams/';

/** What the records of a stream add up to. */
export class StreamState {
  creation: Creation | undefined;
  readonly producers = new Map<string, { epoch: number; seq: number; last: Position }>();
  seq: string | undefined;
  isClosed = false;
  /** Who closed it. */
  closedBy: Producer | undefined;
  readonly forks = new Set<string>();
  isDeleted = false;
  lastAccessMs = Date.now();

  /** @param head - where the journal ends: an append past it did not happen */
  add(record: StreamRecord, head: Position): void {
    if (record.type === 'Created') {
      this.creation = record;
      this.isClosed = record.isClosed === true;
    } else if (record.type === 'Appended') {
      if (record.after + record.count > head) return;
      const { producer, seq, closes } = record;
      if (producer)
        this.producers.set(producer.id, {
          epoch: producer.epoch,
          seq: producer.seq,
          last: record.after + record.count,
        });
      if (seq !== undefined) this.seq = seq;
      if (closes) {
        this.isClosed = true;
        this.closedBy = producer;
      }
    } else if (record.type === 'Forked') this.forks.add(record.name);
    else if (record.type === 'ForkDeleted') this.forks.delete(record.name);
    else this.isDeleted = true;
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
