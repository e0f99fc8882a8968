import { START, type Position } from '../journal/position';

/** What a server has of the writes it was sent, as it says in every answer; a client gives it back when it tries a write again. */
export const MEMORY_HEADER = 'Scrivener-Memory';
/** The oldest position that the journal keeps, in each answer to who may read it; missing where its scrivener does not say. */
export const FIRST_HEADER = 'Scrivener-First';
/** How often a tail that has nothing to tell gives a sign of life. */
export const HEARTBEAT_HEADER = 'Scrivener-Heartbeat-Ms';
/** What a write is known by when it is tried again. */
export const KEY_HEADER = 'Idempotency-Key';

export const JSON_TYPE = 'application/json';
export const LINES_TYPE = 'application/x-ndjson';
export const EVENTS_TYPE = 'text/event-stream';

/** The events of a tail that are no entries. */
export const CAUGHT_UP = 'caughtUp';
export const ENDED = 'ended';
export const FAILED = 'failed';

/** How many entries one request may append. */
export const MAX_LINES = 100;

/** A name that nobody else has and nobody guesses; `crypto.randomUUID` is missing where a page is not secure. */
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
