import type { NatsConnection, Status } from '@nats-io/nats-core';
import { Subject, type Observable } from 'rxjs';
import { JournalLostError } from '../errors/journal-lost-error';

const known = new WeakMap<NatsConnection, Observable<Status>>();

/**
 * What a connection says about itself; errors with {@link JournalLostError} once it is closed for good.
 *
 * One for each connection and as long-lived: the client's own iterator cannot be left while it waits.
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
