import { AccessDeniedError } from '../../errors/access-denied-error';
import { EntryTooLargeError } from '../../errors/entry-too-large-error';
import { EntryValidationError } from '../../errors/entry-validation-error';
import { HttpStatusError } from '../../errors/http-status-error';
import { JournalClosedError } from '../../errors/journal-closed-error';
import { JournalMismatchError } from '../../errors/journal-mismatch-error';
import { PositionConflictError } from '../../errors/position-conflict-error';
import { PositionTrimmedError } from '../../errors/position-trimmed-error';
import type { ScrivenerError } from '../../errors/scrivener-error';
import { SerializationError } from '../../errors/serialization-error';
import { WriteUncertainError } from '../../errors/write-uncertain-error';
import { isPosition } from '../protocol';

/** The codes of refusals by {@link journalHandler} that have no error class. */
const OWN_CODES: readonly unknown[] = [
  'ERR_ACCESS_DENIED',
  'ERR_BACKLOG_FULL',
  'ERR_BAD_REQUEST',
  'ERR_BODY_USED',
  'ERR_INTERNAL',
  'ERR_JOURNAL_MISMATCH',
  'ERR_KEY_REUSED',
  'ERR_METHOD_NOT_ALLOWED',
  'ERR_NOT_ACCEPTABLE',
  'ERR_REFUSED',
  'ERR_SERIALIZATION',
  'ERR_UNAVAILABLE',
  'ERR_UNSUPPORTED_MEDIA_TYPE',
];
const MAX_TEXT_LENGTH = 300;

/**
 * The error for a server's problem. Keeps its text, shortened, if its code is one of the handler's: the text of any other server
 * may contain anything.
 */
export function errorOf(status: number, problem: unknown): ScrivenerError {
  const { code, requested, first, expected, actual, issues, maxBytes } = (problem ?? {}) as Readonly<
    Record<string, unknown>
  >;
  const { detail, reason } = wordsOf(problem);
  switch (code) {
    case 'ERR_POSITION_TRIMMED':
      if (isPosition(requested) && isPosition(first)) return new PositionTrimmedError(requested, first);
      break;
    case 'ERR_POSITION_CONFLICT':
      if (isPosition(expected) && isPosition(actual)) return new PositionConflictError(expected, actual);
      break;
    case 'ERR_ENTRY_VALIDATION':
      return new EntryValidationError(Array.isArray(issues) ? issues.map(toIssue) : []);
    case 'ERR_SERIALIZATION':
      return new SerializationError(reason ?? 'the server cannot take it as an entry');
    case 'ERR_JOURNAL_MISMATCH':
      return new JournalMismatchError(reason ?? 'the entries that were read are not those that it holds');
    case 'ERR_JOURNAL_CLOSED':
      return new JournalClosedError();
    case 'ERR_WRITE_UNCERTAIN':
      return new WriteUncertainError();
  }
  if (status === 401 || status === 403) return new AccessDeniedError(status, detail);
  if (status === 413) return new EntryTooLargeError(isPosition(maxBytes) ? maxBytes : undefined);
  return new HttpStatusError(
    status,
    typeof code === 'string' && /^ERR_[A-Z_]{1,40}$/.test(code) ? code : undefined,
    detail,
  );
}

/** The text of a problem from the handler. */
function wordsOf(problem: unknown): { readonly detail?: string | undefined; readonly reason?: string | undefined } {
  const { code, detail, reason } = (problem ?? {}) as Readonly<Record<string, unknown>>;
  return OWN_CODES.includes(code) ? { detail: plain(detail), reason: plain(reason) } : {};
}

/** The text without line breaks and control characters. */
function plain(text: unknown): string | undefined {
  if (typeof text !== 'string' || text === '') return undefined;
  return text.slice(0, MAX_TEXT_LENGTH).replace(/[\p{Cc}\p{Bidi_Control}]/gu, ' ');
}

function toIssue(issue: unknown): EntryValidationError['issues'][number] {
  const { message, path } = (issue ?? {}) as Readonly<Record<string, unknown>>;
  return { message: String(message), path: Array.isArray(path) ? path.map(String) : [] };
}
