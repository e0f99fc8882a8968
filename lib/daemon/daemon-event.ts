import { InMemoryScrivener } from '../journal/in-memory-scrivener';
import type { Scrivener } from '../journal/scrivener';
import { errorData } from './error-data';

/** Where a daemon stands: from 'Stopped' over 'Running' to 'Completed' or 'Failed', for good. */
export type DaemonStatus = 'Stopped' | 'Running' | 'Completed' | 'Failed';

/**
 * What daemons journal about themselves; `daemon` is the name of the one it is about.
 *
 * In memory `error` is what was thrown, as JSON (in a file, over HTTP) its {@link ErrorData}. `count` says how many failures of one kind in a row the
 * event stands for, where there was more than one.
 */
export type DaemonEvent =
  | { type: 'StatusChanged'; daemon: string; status: DaemonStatus }
  | { type: 'FailureOccurred'; daemon: string; error: unknown; count?: number };

/** An event that keeps the error itself, and has it as data in JSON. */
export function failureOccurred(daemon: string, error: unknown, count?: number): DaemonEvent {
  const event: DaemonEvent = { type: 'FailureOccurred', daemon, error, ...(count === undefined ? {} : { count }) };
  return Object.defineProperty(event, 'toJSON', { value: () => ({ ...event, error: errorData(error) }) });
}

/** So many events are kept where nobody says where they go: a daemon may run for years. */
const KEPT_EVENTS = 1_000;

/** Where events go by default: a journal in memory of the newest ones. */
export function newestEvents(): Scrivener<DaemonEvent> {
  return new InMemoryScrivener<DaemonEvent>({ retain: KEPT_EVENTS });
}
