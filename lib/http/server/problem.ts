import { BacklogFullError } from '../../errors/backlog-full-error';
import { EntryValidationError } from '../../errors/entry-validation-error';
import { JournalClosedError } from '../../errors/journal-closed-error';
import { JournalLostError } from '../../errors/journal-lost-error';
import { JournalMismatchError } from '../../errors/journal-mismatch-error';
import { isNotFound } from '../../errors/journal-not-found-error';
import { isConflict } from '../../errors/position-conflict-error';
import { isTrimmed } from '../../errors/position-trimmed-error';
import { ScrivenerError } from '../../errors/scrivener-error';
import { SerializationError } from '../../errors/serialization-error';
import { WriteUncertainError } from '../../errors/write-uncertain-error';
import { etag } from '../protocol';
import type { Verbatim } from './write-memory';

/** An endless reason for a refusal could fill the server's memory. */
const MAX_ISSUES = 10;
const MAX_MESSAGE_LENGTH = 200;
const MAX_DETAIL_LENGTH = 500;

/** What a problem has besides code and detail. */
export interface ProblemOptions extends ErrorOptions {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly verbatim?: Verbatim;
}

/** Why a request is refused: a status, and a body as in RFC 9457 with a stable `code`. */
export class Problem extends Error {
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly verbatim: Verbatim | undefined;

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    { data, headers = {}, verbatim, ...options }: ProblemOptions = {},
  ) {
    super(detail.slice(0, MAX_DETAIL_LENGTH), options);
    this.body = { status, code, detail: this.message, ...data };
    this.headers = headers;
    this.verbatim = verbatim;
  }

  toResponse(headers: Readonly<Record<string, string>>): Response {
    const all = { ...headers, ...this.headers, 'Content-Type': 'application/problem+json' };
    return new Response(JSON.stringify(this.body), { status: this.status, headers: all });
  }
}

/** An invalid request. */
export function badRequest(detail: string): Problem {
  return new Problem(400, 'ERR_BAD_REQUEST', detail);
}

/** The journal cannot be flushed now, for example because its disk is full; a retry may succeed. */
export function unflushed(cause: unknown): Problem {
  return new Problem(503, 'ERR_UNAVAILABLE', 'The journal cannot be flushed now', { cause });
}

/** What a client receives for an error: of errors that it did not cause, only that one occurred. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const problem = (status: number, { code, message }: ScrivenerError, options?: ProblemOptions) =>
    new Problem(status, code, message, { ...options, cause: error });

  if (isTrimmed(error)) {
    return problem(410, error, { data: { requested: error.requested, first: error.first } });
  }
  if (isConflict(error)) {
    const { expected, actual } = error;
    return problem(412, error, { data: { expected, actual }, headers: { ETag: etag(actual) } });
  }
  if (isNotFound(error)) return problem(404, error);
  if (error instanceof EntryValidationError) {
    const options = { data: { issues: error.issues.slice(0, MAX_ISSUES).map(plainIssue) }, cause: error };
    return new Problem(422, error.code, 'The schema refuses the entry', options);
  }
  if (error instanceof SerializationError) return problem(422, error, { data: { reason: plainText(error.reason) } });
  if (error instanceof JournalClosedError || error instanceof WriteUncertainError) return problem(409, error);
  if (error instanceof JournalMismatchError) return problem(409, error, { data: { reason: plainText(error.reason) } });
  if (error instanceof BacklogFullError || error instanceof JournalLostError) {
    return new Problem(503, error.code, 'The journal cannot do this now', { cause: error });
  }
  if (error instanceof ScrivenerError) return new Problem(500, error.code, 'The journal failed', { cause: error });
  return new Problem(500, 'ERR_INTERNAL', 'The server failed', { cause: error });
}

/** An issue as plain data, whatever the user's validator returned. */
function plainIssue(issue: unknown): unknown {
  const { message, path } = (issue ?? {}) as { readonly message?: unknown; readonly path?: unknown };
  return {
    message: plainText(message ?? 'refused'),
    path: Array.isArray(path) ? path.slice(0, MAX_ISSUES).map(plainSegment) : [],
  };
}

function plainSegment(segment: unknown): unknown {
  const { key = segment } = Object(segment) as { readonly key?: unknown };
  return typeof key === 'number' ? key : plainText(key);
}

function plainText(value: unknown): string {
  try {
    return String(value).slice(0, MAX_MESSAGE_LENGTH);
  } catch {
    return 'unprintable';
  }
}

/** What a client receives when `admit` has thrown: the `Response` that it threw, or that the entry is not admitted. */
export async function refusal(thrown: unknown): Promise<unknown> {
  if (thrown instanceof Problem || ScrivenerError.is(thrown)) return thrown;
  if (!(thrown instanceof Response)) {
    return new Problem(403, 'ERR_ACCESS_DENIED', 'The entry is not admitted', { cause: thrown });
  }
  const { status, headers } = thrown;
  const verbatim = { text: await thrown.clone().text(), type: headers.get('Content-Type') ?? 'text/plain' };
  const code = status === 401 || status === 403 ? 'ERR_ACCESS_DENIED' : 'ERR_REFUSED';
  return new Problem(status, code, 'The entry is not admitted', { verbatim });
}
