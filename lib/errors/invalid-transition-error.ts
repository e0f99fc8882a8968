import type { DaemonStatus } from '../daemon/daemon-event';
import { ScrivenerError } from './scrivener-error';

/** A daemon was asked for something that its status rules out. */
export class InvalidTransitionError extends ScrivenerError {
  override readonly name = 'InvalidTransitionError';
  readonly code = 'ERR_INVALID_TRANSITION';

  constructor(
    /** The daemon's name. */
    readonly daemon: string,
    /** The status that the daemon had. */
    readonly status: DaemonStatus,
    /** What was asked of it, as in "cannot …". */
    action: string,
  ) {
    super(`Daemon "${daemon}" is ${status}: cannot ${action}`);
  }
}
