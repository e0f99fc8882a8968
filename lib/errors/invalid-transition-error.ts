import type { DaemonStatus } from '../daemon/daemon-event';
import { ScrivenerError } from './scrivener-error';

/** A daemon's status rules out what was requested. */
export class InvalidTransitionError extends ScrivenerError {
  override readonly name = 'InvalidTransitionError';
  readonly code = 'ERR_INVALID_TRANSITION';

  constructor(
    /** The daemon's name. */
    readonly daemon: string,
    /** The status that the daemon had. */
    readonly status: DaemonStatus,
    /** What was requested, as in "cannot …". */
    action: string,
  ) {
    super(`Daemon "${daemon}" is ${status}: cannot ${action}`);
  }
}
