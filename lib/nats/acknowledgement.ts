import { JetStreamApiCodes, JetStreamApiError, type ApiError } from '@nats-io/jetstream';
import type { Msg } from '@nats-io/nats-core';
import { JournalLostError } from '../errors/journal-lost-error';
import { PositionConflictError } from '../errors/position-conflict-error';
import { SerializationError } from '../errors/serialization-error';
import { WriteRefusedError } from '../errors/write-refused-error';
import type { Position } from '../journal/position';
import type { StreamLink } from './stream-link';

/**
 * Codes of https://github.com/nats-io/nats-server/blob/main/server/errors.json that leave open what becomes of the message: no leader
 * (`JSClusterNotAvailErr`, `JSClusterNotLeaderErr`), JetStream starting or stopping (`JSNotEnabledErr`, `JSStreamOfflineErr`,
 * `JSStreamOfflineReasonErrF`), an earlier copy still on its way (`JSStreamDuplicateMessageConflict`), and too much at once (`JSStreamTooManyRequests`).
 */
const UNDECIDED: readonly number[] = [10008, 10009, 10076, 10118, 10194, 10158, 10167];
/** `JSStreamMessageExceedsMaximumErr`, `JSStreamHeaderExceedsMaximumErr` */
const TOO_LARGE: readonly number[] = [10054, 10097];

/**
 * What the server said became of a message: the position it has (`isDuplicate`: from an earlier copy), why it has none, or (`undefined`) that this is
 * not decided.
 */
export type Acknowledgement =
  { readonly position: Position; readonly isDuplicate: boolean } | { readonly error: Error } | undefined;

/** Reads the answer to a message that was published to a stream, expecting the last position `expect`. */
export function parseAcknowledgement(
  answer: Msg,
  { stream, head }: StreamLink,
  expect: Position | undefined,
): Acknowledgement {
  const said = parse(answer);
  const { error, seq } = said;
  if (error === undefined) {
    if (typeof seq !== 'number') return undefined; // of somebody else who answers on the subject
    if (said.stream === stream) return { position: seq, isDuplicate: said.duplicate === true };
    return { error: new JournalLostError(`the subject belongs to the stream "${String(said.stream)}"`) };
  }
  if (UNDECIDED.includes(error.err_code)) return undefined;
  const isConflict =
    error.err_code === JetStreamApiCodes.StreamWrongLastSequence ||
    error.err_code === JetStreamApiCodes.StreamWrongLastSequenceUnknown;
  if (expect === undefined || !isConflict) {
    const cause = new JetStreamApiError(error);
    if (TOO_LARGE.includes(error.err_code))
      return { error: new SerializationError('the stream takes no message as large', { cause }) };
    return { error: new WriteRefusedError(error.description, { cause }) };
  }
  // "wrong last sequence: 7"; newer servers do not always know it.
  const actual = Number(/\d+$/.exec(error.description)?.[0] ?? head);
  return { error: new PositionConflictError(expect, actual) };
}

interface Answer {
  readonly stream?: unknown;
  readonly seq?: unknown;
  readonly duplicate?: unknown;
  readonly error?: ApiError;
}

function parse(answer: Msg): Answer {
  try {
    return answer.json<Answer | null>() ?? {};
  } catch {
    return {};
  }
}
