import { START, type Position } from '../journal/position';

/** The server's token for the writes it remembers, in every answer; a client returns it when it retries a write. */
export const MEMORY_HEADER = 'Scrivener-Memory';
/** The oldest position that the journal keeps, in each answer to a reader; missing if its scrivener does not say. */
export const FIRST_HEADER = 'Scrivener-First';
/** The last flushed position, in an answer to HEAD; missing if readers receive only what is flushed, or if nothing flushes the journal. */
export const FLUSHED_HEADER = 'Scrivener-Flushed';
/** How often an idle tail sends a heartbeat. */
export const HEARTBEAT_HEADER = 'Scrivener-Heartbeat-Ms';
/** A connection counts as lost after this many heartbeat intervals: to a client that receives nothing, and to a server of whom nothing is taken. */
export const LOST_HEARTBEATS = 3;
/** Identifies a write when it is retried. */
export const KEY_HEADER = 'Idempotency-Key';

export const JSON_TYPE = 'application/json';
export const LINES_TYPE = 'application/x-ndjson';
export const EVENTS_TYPE = 'text/event-stream';

/** The events of a tail that are not entries. */
export const CAUGHT_UP = 'caughtUp';
export const ENDED = 'ended';
export const FAILED = 'failed';

/** How many entries one request may append. */
export const MAX_LINES = 100;

/** A unique name that nobody can guess; `crypto.randomUUID` is missing in insecure pages. */
export function randomName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A journal's last position as an entity tag, which `If-Match` refers to. */
export function etag(head: number): string {
  return `"${head}"`;
}

/** Whether a value is a position that a journal can end at. */
export function isPosition(value: unknown): value is Position {
  return Number.isSafeInteger(value) && (value as number) >= START;
}
