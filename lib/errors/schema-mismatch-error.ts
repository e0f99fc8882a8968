import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describeIssues } from './entry-validation-error';
import { ScrivenerError } from './scrivener-error';

/** The schema refuses an entry that the journal holds; the journal is intact and unchanged. */
export class SchemaMismatchError extends ScrivenerError {
  override readonly name = 'SchemaMismatchError';
  readonly code = 'ERR_SCHEMA_MISMATCH';
  /** What holds the entry: the file, the database, or the stream. */
  readonly source!: string;
  /** The entry's position. */
  readonly position!: number;
  /** What the schema found, in the form of https://standardschema.dev. */
  readonly issues!: readonly StandardSchemaV1.Issue[];

  constructor(
    { source, position, issues }: Pick<SchemaMismatchError, 'source' | 'position' | 'issues'>,
    options?: ErrorOptions,
  ) {
    const reason = 'the schema refuses the entry that the journal holds';
    const remedy = 'The journal is sound: read it with a schema that accepts what was written before, too';
    super(`${source}, position ${position}: ${reason}: ${describeIssues(issues)}. ${remedy}`, options);
    Object.assign(this, { source, position, issues });
  }
}
