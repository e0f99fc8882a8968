import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ScrivenerError } from './scrivener-error';

/** The schema refuses an entry; it was not journaled. */
export class EntryValidationError extends ScrivenerError {
  override readonly name = 'EntryValidationError';
  readonly code = 'ERR_ENTRY_VALIDATION';

  constructor(
    /** What the schema found, in the form of https://standardschema.dev. */
    readonly issues: readonly StandardSchemaV1.Issue[],
  ) {
    super(`The schema refuses the entry: ${describeIssues(issues)}`);
  }
}

export function describeIssues(issues: readonly unknown[]): string {
  return issues.map(describe).join('; ');
}

/** The validator is the user's: it may return anything. */
function describe(issue: unknown): string {
  const { message = 'refused', path } = Object(issue) as { readonly message?: unknown; readonly path?: unknown };
  const segments: readonly unknown[] = Array.isArray(path) ? path : [];
  const place = segments.map((segment) => {
    const { key = segment } = Object(segment) as { readonly key?: unknown };
    return plain(key);
  });
  return place.length > 0 ? `${place.join('.')}: ${plain(message)}` : plain(message);
}

function plain(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'unprintable';
  }
}
