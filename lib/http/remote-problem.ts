import { AccessDeniedError } from '../errors/access-denied-error';
import { EntryTooLargeError } from '../errors/entry-too-large-error';
import { EntryValidationError } from '../errors/entry-validation-error';
import { HttpStatusError } from '../errors/http-status-error';
import { JournalClosedError } from '../errors/journal-closed-error';
import { JournalMismatchError } from '../errors/journal-mismatch-error';
import { PositionConflictError } from '../errors/position-conflict-error';
import { PositionTrimmedError } from '../errors/position-trimmed-error';
import type { ScrivenerError } from '../errors/scrivener-error';
import { SerializationError } from '../errors/serialization-error';
import { WriteUncertainError } from '../errors/write-uncertain-error';
import { isPosition } from './remote-page';

/** The error that a server's problem stands for. What the server says in words is not repeated: it may be anything, and hold anything. */
export function errorOf(status: number, problem: unknown): ScrivenerError {
  const { code, requested, first, expected, actual, issues, maxBytes } = (problem ?? {}) as Readonly<
    Record<string, unknown>
  >;
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
      return new SerializationError('the server cannot take it as an entry');
    case 'ERR_JOURNAL_MISMATCH':
      return new JournalMismatchError('the entries that were read are not those that it holds');
    case 'ERR_JOURNAL_CLOSED':
      return new JournalClosedError();
    case 'ERR_WRITE_UNCERTAIN':
      return new WriteUncertainError();
  }
  if (status === 401 || status === 403) return new AccessDeniedError(status);
  if (status === 413) return new EntryTooLargeError(isPosition(maxBytes) ? maxBytes : undefined);
  return new HttpStatusError(status, typeof code === 'string' && /^ERR_[A-Z_]{1,40}$/.test(code) ? code : undefined);
}

function toIssue(issue: unknown): EntryValidationError['issues'][number] {
  const { message, path } = (issue ?? {}) as Readonly<Record<string, unknown>>;
  return { message: String(message), path: Array.isArray(path) ? path.map(String) : [] };
}
