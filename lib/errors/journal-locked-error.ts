import { ScrivenerError } from './scrivener-error';

/** The recorded process that has a journal open for writing. */
export interface LockHolder {
  /** The process's id. */
  readonly pid: number;
  /** The name of its machine, or container. */
  readonly host: string;
  /** When it took the lock, in ISO 8601. */
  readonly since: string;
  /** Whether it is this process. */
  readonly isThisProcess: boolean;
}

/** Another scrivener, of this process or another, has the journal open for writing. */
export class JournalLockedError extends ScrivenerError {
  override readonly name = 'JournalLockedError';
  readonly code = 'ERR_JOURNAL_LOCKED';

  constructor(
    /** The journal's file. */
    readonly filePath: string,
    /** The process that has it open, if that is known. */
    readonly holder?: LockHolder,
  ) {
    super(`${filePath} is open for writing elsewhere${holder ? ` (${describe(holder)})` : ''}`);
  }
}

function describe(holder: LockHolder): string {
  return `by ${nameOf(holder)}, since ${holder.since}`;
}

/** A process, in words. */
export function nameOf({ pid, host, isThisProcess }: LockHolder): string {
  return isThisProcess ? 'this process' : `process ${pid} on ${host}`;
}
