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
    super(`The schema refuses the entry: ${issues.map(describe).join('; ')}`);
  }
}

function describe({ message, path = [] }: StandardSchemaV1.Issue): string {
  const place = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.');
  return place ? `${place}: ${message}` : message;
}
