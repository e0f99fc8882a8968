import { InMemoryScrivener } from '../journal/in-memory-scrivener';
import type { Scrivener } from '../journal/scrivener';
import { errorData } from './error-data';

/** The status of a daemon: from 'Stopped' through 'Running' to 'Completed' or 'Failed', which are final. */
export type DaemonStatus = 'Stopped' | 'Running' | 'Completed' | 'Failed';

/**
 * The events that daemons write about themselves; `daemon` is the daemon's name.
 *
 * In memory `error` is what was thrown, as JSON (in a file, over HTTP) its {@link ErrorData}. `count` says how many failures of one kind in a row the
 * event stands for, if more than one.
 */
export type DaemonEvent =
  | { type: 'StatusChanged'; daemon: string; status: DaemonStatus }
  | { type: 'FailureOccurred'; daemon: string; error: unknown; count?: number };

/** An event that keeps the error itself, and becomes data as JSON. */
export function failureOccurred(daemon: string, error: unknown, count?: number): DaemonEvent {
  const event: DaemonEvent = { type: 'FailureOccurred', daemon, error, ...(count === undefined ? {} : { count }) };
  return Object.defineProperty(event, 'toJSON', { value: () => ({ ...event, error: errorData(error) }) });
}

/** How many events the default journal keeps: a daemon may run for years. */
const KEPT_EVENTS = 1_000;

/** Where events go by default: a journal in memory of the newest ones. */
export function newestEvents(): Scrivener<DaemonEvent> {
  return new InMemoryScrivener<DaemonEvent>({ retain: KEPT_EVENTS });
}
