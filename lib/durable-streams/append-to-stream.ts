import type { StandardSchemaV1 } from '@standard-schema/spec';
import { EntryValidationError } from '../errors/entry-validation-error';
import { isConflict } from '../errors/position-conflict-error';
import { ScrivenerError } from '../errors/scrivener-error';
import { badRequest, Problem } from '../http/server/problem';
import type { Position } from '../journal/position';
import { formatOf } from './messages';
import {
  CLOSED_HEADER,
  EXPECTED_SEQ_HEADER,
  integerIn,
  mediaType,
  OFFSET_HEADER,
  offsetOf,
  POSITIONS_HEADER,
  positionsText,
  PRODUCER_EPOCH_HEADER,
  PRODUCER_ID_HEADER,
  PRODUCER_SEQ_HEADER,
  RECEIVED_SEQ_HEADER,
  SEQ_HEADER,
  SEQUENCE_GAP,
  type Run,
} from './protocol';
import type { Producer, StreamState } from './stream-record';
import { flushed, type Stream } from './streams';

/** Answers a POST: its messages are appended once, all of them, and flushed, or refused. */
export async function appendToStream(
  stream: Stream,
  request: Request,
  body: Uint8Array,
  schema: StandardSchemaV1 | undefined,
): Promise<Response> {
  const { headers } = request;
  const closes = headers.get(CLOSED_HEADER)?.toLowerCase() === 'true';
  const producer = producerOf(headers);
  const seq = headers.get(SEQ_HEADER) ?? undefined;
  if (body.length === 0 && !closes) throw badRequest('The body is empty');
  let entries: unknown[] = [];
  if (body.length > 0) {
    const type = headers.get('Content-Type');
    if (type === null) throw badRequest('Expected a `Content-Type`');
    if (mediaType(type) !== mediaType(stream.state.contentType)) {
      throw new Problem(409, 'ERR_CONTENT_TYPE', `The stream's content type is ${stream.state.contentType}`);
    }
    const format = formatOf(stream.state.contentType);
    entries = format.parse(body);
    if (entries.length === 0) throw badRequest('The body has no message');
    if (schema && format.isJson) entries = await Promise.all(entries.map((entry) => validated(schema, entry)));
  }

  let answered: Response | undefined;
  let places: Record<string, string> = {};
  const position = await stream.inTurn(async () => {
    for (;;) {
      const head = await stream.head();
      answered = refusalOrRepetition(stream.state, { producer, seq, closes, isEmpty: entries.length === 0, head });
      if (answered) return head;
      try {
        const last = await append(stream, head, entries, { producer, seq, closes });
        places = placesOf(producer && stream.state.producers.get(producer.id)?.runs);
        return last;
      } catch (error) {
        // Others write to the journal, too.
        if (!isConflict(error)) throw error;
      }
    }
  });
  if (answered) return answered;
  await flushed(stream.messages, position);
  if (closes) stream.changes.next();
  return new Response(null, {
    status: producer && entries.length > 0 ? 200 : 204,
    headers: {
      [OFFSET_HEADER]: offsetOf(position),
      ...places,
      ...(producer && { [PRODUCER_EPOCH_HEADER]: String(producer.epoch), [PRODUCER_SEQ_HEADER]: String(producer.seq) }),
      ...(closes && { [CLOSED_HEADER]: 'true' }),
    },
  });
}

interface Wanted {
  readonly producer: Producer | undefined;
  readonly seq: string | undefined;
  readonly closes: boolean;
}

async function append(stream: Stream, after: Position, entries: readonly unknown[], wanted: Wanted): Promise<Position> {
  const { producer, seq, closes } = wanted;
  const { state } = stream;
  await settle(stream, after);
  const rest = producer ? entries.slice(state.doneOf(producer)) : entries;
  const isRecorded = producer !== undefined || seq !== undefined || closes;
  if (!isRecorded) return stream.append(rest, after);
  const record = {
    type: 'Appended' as const,
    after,
    count: rest.length,
    ...(producer && { producer }),
    ...(seq !== undefined && { seq }),
    ...(closes && { closes }),
  };
  // Recorded first, and flushed: whether the append happened is known from where the journal ends.
  await stream.record(record);
  state.begin(record, 0);
  let position: Position;
  try {
    position = await stream.append(rest, after, producer && ((count) => (state.written = count)));
  } catch (error) {
    // Whether it happened is known only from where the journal ends, as after a crash.
    if (isUncertain(error)) state.written = undefined;
    else if (!isConflict(error)) state.written = await writtenOf(stream, after, rest).catch(() => undefined);
    // If this fails, it is done before the next append.
    if (state.written !== undefined) await settle(stream, after).catch(() => undefined);
    throw error;
  }
  state.add(record, position);
  return position;
}

/** How many messages of an append that failed are in the journal: a write may reject after it has appended, and others may have written since. */
async function writtenOf(stream: Stream, after: Position, entries: readonly unknown[]): Promise<number> {
  const { textOf } = formatOf(stream.state.contentType);
  const head = await stream.head();
  let written = stream.state.written ?? 0;
  if (head <= after + written) return written;
  for await (const { position, entry } of stream.messages.tail(after + written)) {
    if (textOf(entry) !== textOf(entries[written])) break;
    written++;
    if (position >= head || written === entries.length) break;
  }
  return written;
}

/** Records how much of an interrupted append was written, before later messages look like the rest of it. */
async function settle(stream: Stream, head: Position): Promise<void> {
  const { state } = stream;
  const { begun } = state;
  if (!begun) return;
  const { producer, after } = begun;
  // Others may have written since: the journal's end counts only if nothing better is known.
  const done = (state.written ?? head - after) + (producer ? state.doneOf(producer) : 0);
  const record = { type: 'BrokenOff' as const, done, ...(producer && { producer }) };
  await stream.record(record);
  state.add(record, head);
}

/** More than fits into a header. */
const MAX_RUNS = 200;

function placesOf(runs: readonly Run[] = []): Record<string, string> {
  return runs.length > 0 && runs.length <= MAX_RUNS ? { [POSITIONS_HEADER]: positionsText(runs) } : {};
}

function isUncertain(error: unknown): boolean {
  return ScrivenerError.is(error) && error.code === 'ERR_WRITE_UNCERTAIN';
}

/** The answer to messages that were appended before, or are refused; `undefined` if they are to be appended. */
function refusalOrRepetition(
  state: StreamState,
  { producer, seq, closes, isEmpty, head }: Wanted & { readonly isEmpty: boolean; readonly head: Position },
): Response | undefined {
  const end = { [OFFSET_HEADER]: offsetOf(head) };
  const closed: Record<string, string> = state.isClosed ? { [CLOSED_HEADER]: 'true' } : {};
  const known = producer && state.producers.get(producer.id);
  if (producer && known && producer.epoch < known.epoch) {
    const headers = { [PRODUCER_EPOCH_HEADER]: String(known.epoch) };
    throw new Problem(403, 'ERR_STALE_EPOCH', 'The producer has a newer epoch', { headers });
  }
  const isSame = known !== undefined && producer?.epoch === known.epoch;
  const isRepeated = isSame && producer.seq <= known.seq;
  if (state.isClosed) {
    const { closedBy } = state;
    const isClosing =
      closedBy?.id === producer?.id && closedBy?.epoch === producer?.epoch && closedBy?.seq === producer?.seq;
    const isAgain = producer ? isClosing || (isRepeated && !closes) : closes && isEmpty;
    if (!isAgain)
      throw new Problem(409, 'ERR_STREAM_CLOSED', 'The stream is closed', { headers: { ...end, ...closed } });
  }
  if (producer && isRepeated) {
    const place = { [PRODUCER_EPOCH_HEADER]: String(known.epoch), [PRODUCER_SEQ_HEADER]: String(known.seq) };
    return new Response(null, {
      status: 204,
      headers: {
        ...end,
        ...closed,
        ...place,
        ...(producer.seq === known.seq && { [OFFSET_HEADER]: offsetOf(known.last), ...placesOf(known.runs) }),
      },
    });
  }
  if (state.isClosed) return new Response(null, { status: 204, headers: { ...end, ...closed } });
  if (producer) {
    const expected = isSame ? known.seq + 1 : 0;
    if (producer.seq !== expected && known && !isSame) throw badRequest('A new epoch begins with sequence number 0');
    if (producer.seq !== expected) {
      const headers = { [EXPECTED_SEQ_HEADER]: String(expected), [RECEIVED_SEQ_HEADER]: String(producer.seq) };
      throw new Problem(409, SEQUENCE_GAP, `Expected sequence number ${expected}`, { headers });
    }
  }
  if (seq !== undefined && state.seq !== undefined && !isAfter(seq, state.seq)) {
    throw new Problem(409, 'ERR_SEQUENCE', `Expected \`${SEQ_HEADER}\` to be after the last one`, { headers: end });
  }
  return undefined;
}

/** Compared by their bytes; headers are Latin-1. */
function isAfter(seq: string, last: string): boolean {
  return seq > last;
}

function producerOf(headers: Headers): Producer | undefined {
  const id = headers.get(PRODUCER_ID_HEADER);
  const epoch = integerIn(headers, PRODUCER_EPOCH_HEADER);
  const seq = integerIn(headers, PRODUCER_SEQ_HEADER);
  if (id === null && epoch === undefined && seq === undefined) return undefined;
  if (id === null || id === '' || epoch === undefined || seq === undefined) {
    throw badRequest(`Expected ${PRODUCER_ID_HEADER}, ${PRODUCER_EPOCH_HEADER} and ${PRODUCER_SEQ_HEADER} together`);
  }
  return { id, epoch, seq };
}

async function validated(schema: StandardSchemaV1, entry: unknown): Promise<unknown> {
  const result = await schema['~standard'].validate(entry);
  if (result.issues) throw new EntryValidationError(result.issues);
  return result.value;
}
