import { badRequest } from '../http/server/problem';
import type { Position } from '../journal/position';

/** The number of digits of an offset, so that it sorts as text. */
const DIGITS = 16;
const OFFSET = /^\d{16}$/;
const INTEGER = /^\d+$/;
/** Without leading zeros. */
const AMOUNT = /^(?:0|[1-9]\d*)$/;

export const OFFSET_HEADER = 'Stream-Next-Offset';
export const UP_TO_DATE_HEADER = 'Stream-Up-To-Date';
export const CURSOR_HEADER = 'Stream-Cursor';
export const CLOSED_HEADER = 'Stream-Closed';
export const SEQ_HEADER = 'Stream-Seq';
export const TTL_HEADER = 'Stream-TTL';
export const EXPIRES_HEADER = 'Stream-Expires-At';
export const ENCODING_HEADER = 'Stream-SSE-Data-Encoding';
export const FORKED_FROM_HEADER = 'Stream-Forked-From';
export const FORK_OFFSET_HEADER = 'Stream-Fork-Offset';
export const FORK_SUB_OFFSET_HEADER = 'Stream-Fork-Sub-Offset';
export const PRODUCER_ID_HEADER = 'Producer-Id';
export const PRODUCER_EPOCH_HEADER = 'Producer-Epoch';
export const PRODUCER_SEQ_HEADER = 'Producer-Seq';
export const EXPECTED_SEQ_HEADER = 'Producer-Expected-Seq';
export const RECEIVED_SEQ_HEADER = 'Producer-Received-Seq';
/** The positions of the messages of a producer's append, for example `3-5,8`: messages of others may be between them. */
export const POSITIONS_HEADER = 'Scrivener-Positions';

/** The code of the refusal of a producer's sequence number that does not follow its last one. */
export const SEQUENCE_GAP = 'ERR_SEQUENCE_GAP';

export const JSON_TYPE = 'application/json';

/** The offset after a position. */
export function offsetOf(position: Position): string {
  return String(position).padStart(DIGITS, '0');
}

/** The position before an offset; throws a 400 if it is not an offset. */
export function positionOf(offset: string, name = 'offset'): Position {
  const position = OFFSET.test(offset) ? Number(offset) : NaN;
  if (!Number.isSafeInteger(position)) throw badRequest(`Expected \`${name}\` to be an offset of this stream`);
  return position;
}

/** Messages with consecutive positions. */
export interface Run {
  readonly after: Position;
  readonly count: number;
}

/** The value of {@link POSITIONS_HEADER} for these. */
export function positionsText(runs: readonly Run[]): string {
  return runs.map(({ after, count }) => (count === 1 ? after + 1 : `${after + 1}-${after + count}`)).join();
}

/** This many positions from an answer; `undefined` if it does not have them. */
export function positionsIn({ headers }: Response, count: number): readonly Position[] | undefined {
  const text = headers.get(POSITIONS_HEADER);
  if (text === null) return undefined;
  const positions: Position[] = [];
  for (const [first = NaN, last = first] of text.split(',').map((run) => run.split('-').map(Number))) {
    for (let position = first; position <= last && positions.length <= count; position++) positions.push(position);
  }
  return positions.length === count ? positions : undefined;
}

/** An integer >= 0 in a header; `undefined` if the header is missing. */
export function integerIn(headers: Headers, name: string, isStrict = false): number | undefined {
  const text = headers.get(name);
  if (text === null) return undefined;
  const value = (isStrict ? AMOUNT : INTEGER).test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value)) throw badRequest(`Expected \`${name}\` to be an integer >= 0`);
  return value;
}

/** A content type without its parameters, in lower case. */
export function mediaType(contentType: string): string {
  return contentType.split(';')[0]!.trim().toLowerCase();
}

const EPOCH_MS = Date.UTC(2024, 9, 9);
const INTERVAL_MS = 20_000;
const LONGEST_JITTER = 180;

/** The cursor of a live answer: it only increases, and differs from every one that the client has had. */
export function nextCursor(given: string | null): string {
  const current = Math.floor((Date.now() - EPOCH_MS) / INTERVAL_MS);
  const had = given !== null && INTEGER.test(given) ? Number(given) : -1;
  if (had < current) return String(current);
  return String(had + 1 + Math.floor(Math.random() * LONGEST_JITTER));
}

const utf8 = new TextEncoder();

/** An event of a live answer; line breaks in the data cannot end it. */
export function eventOf(name: string, data: string): Uint8Array {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data:${line}\n`);
  return utf8.encode(`event: ${name}\n${lines.join('')}\n`);
}
