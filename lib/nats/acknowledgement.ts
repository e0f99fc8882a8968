import { JetStreamApiCodes, JetStreamApiError, type ApiError } from '@nats-io/jetstream';
import type { Msg } from '@nats-io/nats-core';
import { JournalLostError } from '../errors/journal-lost-error';
import { NotSupportedError } from '../errors/not-supported-error';
import { PositionConflictError } from '../errors/position-conflict-error';
import { SerializationError } from '../errors/serialization-error';
import { WriteRefusedError } from '../errors/write-refused-error';
import type { Position } from '../journal/position';
import type { Flight } from './flight';
import type { StreamLink } from './stream-link';

/**
 * Codes of https://github.com/nats-io/nats-server/blob/main/server/errors.json that leave open what becomes of the message: no leader
 * (`JSClusterNotAvailErr`, `JSClusterNotLeaderErr`), JetStream starting or stopping (`JSNotEnabledErr`, `JSStreamOfflineErr`,
 * `JSStreamOfflineReasonErrF`), an earlier copy still on its way (`JSStreamDuplicateMessageConflict`), too much at once (`JSStreamTooManyRequests`,
 * `JSAtomicPublishTooManyInflight`), and a batch of which a part was lost (`JSAtomicPublishIncompleteBatchErr`).
 */
const UNDECIDED: readonly number[] = [10008, 10009, 10076, 10118, 10194, 10158, 10167, 10176, 10210];
/** `JSStreamMessageExceedsMaximumErr`, `JSStreamHeaderExceedsMaximumErr` */
const TOO_LARGE: readonly number[] = [10054, 10097];

/** `JSStreamWrongLastMsgIDErrF` */
const WRONG_LAST_ID = 10070;
/** `JSAtomicPublishDisabledErr` */
const NO_BATCHES = 10174;
/** `JSAtomicPublishContainsDuplicateMessageErr` */
const STORED_BATCH = 10201;

/**
 * The outcome of a flight according to the server: the position of its first entry (`isDuplicate`: of an earlier copy; `undefined`: unknown); the error that
 * refused it; `broken`: a copy did not follow what it had to follow; `known`: a copy was accepted or refused before; `undefined`: not decided.
 */
export type Acknowledgement =
  | { readonly position: Position | undefined; readonly isDuplicate: boolean }
  | { readonly error: Error }
  | 'broken'
  | 'known'
  | undefined;

/** Reads the answer to a flight that was published to a stream. */
export function parseAcknowledgement(
  answer: Msg,
  { stream, head }: StreamLink,
  { expect, size }: Flight,
): Acknowledgement {
  const parsed = parse(answer);
  const { error, seq } = parsed;
  if (error === undefined) {
    if (typeof seq !== 'number') return undefined; // somebody else answers on the subject
    if (parsed.stream !== stream)
      return { error: new JournalLostError(`the subject belongs to the stream "${String(parsed.stream)}"`) };
    // A server of 2.10 answers so for a copy that it is about to accept, or has refused.
    if (seq === 0) return 'known';
    return { position: seq - size + 1, isDuplicate: parsed.duplicate === true };
  }
  if (UNDECIDED.includes(error.err_code)) return undefined;
  if (error.err_code === WRONG_LAST_ID) return 'broken';
  if (error.err_code === STORED_BATCH) return { position: undefined, isDuplicate: true };
  if (error.err_code === NO_BATCHES) return { error: noBatches(stream) };
  const isConflict =
    error.err_code === JetStreamApiCodes.StreamWrongLastSequence ||
    error.err_code === JetStreamApiCodes.StreamWrongLastSequenceUnknown;
  if (expect === undefined || !isConflict) {
    const cause = new JetStreamApiError(error);
    if (TOO_LARGE.includes(error.err_code))
      return { error: new SerializationError('the message is larger than the stream accepts', { cause }) };
    return { error: new WriteRefusedError(error.description, { cause }) };
  }
  // "wrong last sequence: 7"; newer servers do not always know it.
  const actual = Number(/\d+$/.exec(error.description)?.[0] ?? head);
  return { error: new PositionConflictError(expect, actual) };
}

/** The error of a stream that cannot take several entries as one. */
export function noBatches(stream: string, version?: string): NotSupportedError {
  const server = version === undefined ? '' : `; the server is ${version}`;
  return new NotSupportedError(
    `the stream "${stream}" does not take several entries as one: that needs nats-server 2.12 or later, and the stream's setting \`allow_atomic\`${server}`,
  );
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
