import type { NatsConnection, Status } from '@nats-io/nats-core';
import { BehaviorSubject, catchError, EMPTY, mergeMap, of, Subject, takeUntil, type Observable } from 'rxjs';
import { JournalLostError } from '../errors/journal-lost-error';
import type { ConnectionStatus } from '../journal/connection-status';

const known = new WeakMap<NatsConnection, Observable<Status>>();

/**
 * The status events of a connection; errors with {@link JournalLostError} when the connection is closed for good.
 *
 * There is one for each connection, which lives as long, because the client's own iterator cannot be left while it waits.
 */
export function connectionEvents(connection: NatsConnection): Observable<Status> {
  const events = known.get(connection);
  if (events) return events;
  const subject = new Subject<Status>();
  const pass = async () => {
    for await (const status of connection.status()) subject.next(status);
  };
  void pass();
  void connection.closed().then((cause) => {
    subject.error(new JournalLostError('the connection is closed', { cause }));
  });
  known.set(connection, subject);
  return subject;
}

/** The status of an open connection, now and from now on; completes when the connection is closed for good, or `closed$` emits. */
export function connectionStatus(connection: NatsConnection, closed$: Observable<void>): Observable<ConnectionStatus> {
  const status$ = new BehaviorSubject<ConnectionStatus>({ status: 'open' });
  const told$ = connectionEvents(connection).pipe(mergeMap((event) => toStatus(event) ?? EMPTY));
  told$
    .pipe(
      catchError(() => EMPTY),
      takeUntil(closed$),
    )
    .subscribe(status$);
  return status$.asObservable();
}

function toStatus(event: Status): Observable<ConnectionStatus> | undefined {
  if (event.type === 'reconnect') return of({ status: 'open' });
  if (event.type !== 'disconnect') return undefined;
  return of({ status: 'retrying', error: new Error(`the connection to ${event.server} is lost`) });
}
