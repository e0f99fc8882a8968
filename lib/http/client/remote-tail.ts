import type { EventSourceMessage } from 'eventsource-parser';
import { CorruptEntryError } from '../../errors/corrupt-entry-error';
import { JournalMismatchError } from '../../errors/journal-mismatch-error';
import type { Position, Positioned } from '../../journal/position';
import { Attempt } from './attempt';
import { readJson, release, type Connection } from './connection';
import { eventsOf } from './events-of';
import { isBack, onLeaving } from './page-events';
import { Unreachable } from './retry-until-settled';
import { CAUGHT_UP, ENDED, EVENTS_TYPE, FAILED, HEARTBEAT_HEADER, isPosition, LOST_HEARTBEATS } from '../protocol';
import type { Decode } from './remote-page';
import { errorOf } from './remote-problem';
import { SEEN, type SeenTexts } from '../seen';

const DEFAULT_HEARTBEAT_MS = 15_000; // until the server has sent its own

/** If a connection lasted this long, the next one follows without a pause. */
const LASTING_MS = 1_000;

/** Entries that arrived together, and the text of each as it was sent. */
export interface TailPage<T> {
  readonly records: readonly Positioned<T>[];
  readonly texts: readonly string[];
}

/** Where a tail starts. */
export interface TailStart {
  readonly after: Position;
  /** The newest entries read before that. */
  readonly seen: SeenTexts;
  /** Called when replay ends. */
  readonly caughtUp: ((position: Position) => void) | undefined;
}

/** Where a tail is. */
interface Place {
  /** The position after which it started. */
  readonly after: Position;
  /** The last position that was read. */
  last: Position;
  /** The newest entries read, so that the server can check that it still has them. */
  readonly seen: SeenTexts;
  /** How long the connection may be silent. */
  silenceMs: number;
  /** Called once, when replay ends. */
  caughtUp: ((position: Position) => void) | undefined;
}

/**
 * The entries after a position as they arrive, a page at a time, each exactly once: if one connection breaks, another continues
 * after the last entry received. Ends with the journal, and when the signal is aborted.
 *
 * @returns whether the journal has ended
 */
export async function* remoteTail<T>(
  connection: Connection,
  decode: Decode<T>,
  start: TailStart,
  signal: AbortSignal,
): AsyncGenerator<TailPage<T>, boolean> {
  const place: Place = { ...start, last: start.after, silenceMs: LOST_HEARTBEATS * DEFAULT_HEARTBEAT_MS };
  let failure: unknown;
  for (let tries = 0; !signal.aborted; tries++) {
    if (tries > 0) await connection.pause(tries - 1, failure, signal);
    await connection.whenAllowed(signal);
    const attempt = new Attempt(signal);
    let back: Promise<void> | undefined;
    // A page with an open request is not kept in the back/forward cache. It may be back before the reader reads on.
    const unlisten = onLeaving(() => {
      back = isBack(signal);
      attempt.end();
    });
    const from = place.last;
    const start = performance.now();
    try {
      const ended = yield* connected(connection, decode, place, attempt);
      if (ended) return true;
      // The server has closed it properly, as it does after `maxTailMs`.
      failure = new Unreachable('The server has closed the tail');
      if (performance.now() - start >= LASTING_MS && !attempt.isTimedOut) tries = -1;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      failure = error;
    } finally {
      unlisten();
      attempt.end();
    }
    if (attempt.isTimedOut) failure = silence(place, failure);
    if (back) {
      await back;
      tries = -1;
    }
    if (place.last > from) tries = Math.min(tries, 0);
  }
  return false;
}

/** Reads from one connection while it lasts; returns whether the journal ended. */
async function* connected<T>(
  connection: Connection,
  decode: Decode<T>,
  place: Place,
  attempt: Attempt,
): AsyncGenerator<TailPage<T>, boolean> {
  attempt.allow(place.silenceMs);
  const { digests } = place.seen;
  const query = { after: String(place.last), ...(digests !== undefined && { [SEEN]: digests }) };
  const headers = { Accept: EVENTS_TYPE };
  const response = await connection.request({ method: 'GET', query, headers, signal: attempt.signal });
  if (response.status === 204) {
    catchUp(connection, place, Math.max(connection.head, place.last));
    return true;
  }
  if (!response.ok) throw errorOf(response.status, (await readJson(response)).body);
  if (!response.headers.get('Content-Type')?.startsWith(EVENTS_TYPE)) {
    release(response);
    throw new JournalMismatchError('the server answered something else than a tail');
  }
  const heartbeatMs = Number(response.headers.get(HEARTBEAT_HEADER));
  if (heartbeatMs > 0) place.silenceMs = LOST_HEARTBEATS * heartbeatMs;
  const opening = place.last;
  for await (const events of eventsOf(response.body!, attempt, place.silenceMs)) {
    let page = newPage<T>();
    try {
      for (const event of events) {
        if (event.event === undefined) {
          const position = positionOf(event);
          if (position <= place.last) continue;
          if (position > place.last + 1) throw gap(place.last, opening);
          page.records.push({ position, entry: decode(position, parse(event)) });
          page.texts.push(event.data);
          place.seen.note(event.data);
          connection.noteHead((place.last = position));
          continue;
        }
        const before = page;
        page = newPage<T>();
        if (before.records.length > 0) yield before;
        if (event.event === ENDED) return true;
        const { status, position } = (parse(event) ?? {}) as Readonly<Record<string, unknown>>;
        if (event.event === FAILED) {
          const cause = errorOf(Number(status), parse(event));
          throw status === 503 ? new Unreachable('The journal is lost to its server', { cause }) : cause;
        }
        if (event.event === CAUGHT_UP) catchUp(connection, place, position);
      }
    } finally {
      // Also those that arrived before an error.
      if (page.records.length > 0) yield page;
    }
  }
  return false;
}

function newPage<T>(): { records: Positioned<T>[]; texts: string[] } {
  return { records: [], texts: [] };
}

/** Not even a heartbeat came: the network is down, or a proxy buffers the response. */
function silence({ silenceMs }: Place, cause: unknown): Unreachable {
  const message = `Nothing arrived for ${silenceMs} ms, not even a heartbeat: the server is down, or a proxy buffers its answer`;
  return new Unreachable(message, { cause });
}

function catchUp(connection: Connection, place: Place, position: unknown): void {
  if (!isPosition(position)) throw new JournalMismatchError('it ends at no position');
  if (position < place.last && place.last > place.after) {
    throw new JournalMismatchError(`it ends at position ${position}, and had an entry at ${place.last}`);
  }
  connection.noteHead(position);
  const { caughtUp } = place;
  place.caughtUp = undefined;
  caughtUp?.(position);
}

function positionOf({ id = '' }: EventSourceMessage): Position {
  const position = Number(id);
  if (/^\d{1,16}$/.test(id) && isPosition(position)) return position;
  throw new JournalMismatchError('it has an entry at no position');
}

function parse({ data, id }: EventSourceMessage): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    // The parser's own message quotes the text.
    throw new CorruptEntryError(`what the server sent with position ${Number(id)} is not JSON`);
  }
}

/** An entry missing at the start of a connection is missing in the journal; later it may have been lost on the way. */
function gap(last: Position, opening: Position): Error {
  if (last > opening) return new Unreachable('Something was lost on the way');
  return new JournalMismatchError(`it has no entry at position ${last + 1}`);
}
