/** Where a daemon stands: from 'Stopped' over 'Running' to 'Completed' or 'Failed', for good. */
export type DaemonStatus = 'Stopped' | 'Running' | 'Completed' | 'Failed';

/** What daemons journal about themselves; `daemon` is the name of the one it is about. */
export type DaemonEvent =
  | { type: 'StatusChanged'; daemon: string; status: DaemonStatus }
  | { type: 'FailureOccurred'; daemon: string; error: unknown };
