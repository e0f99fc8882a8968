import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import {
  createInbox,
  PermissionViolationError,
  RequestError,
  TimeoutError,
  type NatsConnection,
  type ServerErrorStatus,
  type Status,
} from '@nats-io/nats-core';
import { filter, firstValueFrom, from, lastValueFrom, map, merge, ReplaySubject, timer, type Observable } from 'rxjs';
import { JournalLostError } from '../errors/journal-lost-error';
import { START, type Position } from '../journal/position';
import type { ConnectionStatus } from '../journal/connection-status';
import { connectionEvents, connectionStatus } from './connection-events';

/** The positions that a stream holds. */
export interface StreamEnds {
  /** The oldest kept; `last + 1` if there is none. */
  readonly first: Position;
  /** The last one assigned; START if there is none. */
  readonly last: Position;
}

/** A server of a cluster may not know a new stream for a moment: how often it is asked, and the pauses between. */
const ASKED = 5;
const ASKED_AGAIN_MS = 200;

/** A scrivener's access to its stream: calls to the server, with errors that say whether to try again. */
export class StreamLink {
  readonly stream: string;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  /** Emits when the scrivener is closed. */
  readonly closed$ = new ReplaySubject<void>(1);
  readonly connected$: Observable<ConnectionStatus>;
  readonly #created: string;
  #head: Position;
  /** Why the journal is lost, if it is. */
  lost: JournalLostError | undefined;
  #first: Position;

  constructor(connection: NatsConnection, manager: JetStreamManager, { config, created, state }: StreamInfo) {
    this.connection = connection;
    this.manager = manager;
    this.stream = config.name;
    this.connected$ = connectionStatus(connection, this.closed$);
    this.#created = created;
    this.#head = state.last_seq;
    this.#first = oldest(state);
  }

  /** The status events of the connection. */
  get events$() {
    return connectionEvents(this.connection);
  }

  /** The newest position that this process knows of. */
  get head(): Position {
    return this.#head;
  }

  /** The oldest position kept, according to the stream's last answer. */
  get first(): Position {
    return this.#first;
  }

  /** Records a position that the stream has. */
  noteHead(position: Position): void {
    if (position > this.#head) this.#head = position;
  }

  /** A subject for answers, with the connection's inbox prefix. */
  inbox(): string {
    return createInbox(this.manager.getOptions().watcherPrefix);
  }

  /** Rejects with {@link JournalLostError} if the stream is gone or was replaced. */
  async ends(): Promise<StreamEnds> {
    if (this.lost) throw this.lost;
    const { created, state } = await this.call(() => this.manager.streams.info(this.stream));
    if (created !== this.#created)
      throw this.lose(new JournalLostError(`the stream "${this.stream}" was deleted and recreated`));
    this.noteHead(state.last_seq);
    this.#first = oldest(state);
    return { first: state.first_seq, last: state.last_seq };
  }

  /** Records that the journal is lost for good, for all readers and writers; returns the first reason. */
  lose(reason: JournalLostError): JournalLostError {
    return (this.lost ??= reason);
  }

  /**
   * Whether the stream once had a position and no longer has it; rejects as {@link StreamLink.call} does. This needs a single answer: of two, one may come from a
   * server that does not know yet that it is no longer the leader.
   */
  async hasDropped(position: Position): Promise<boolean> {
    const { state } = await this.call(() => this.manager.streams.info(this.stream, { deleted_details: true }));
    // The client's type always has it; the server leaves it out if there is none.
    const { deleted = [] } = state as Partial<typeof state>;
    return position <= state.last_seq && (position < state.first_seq || deleted.includes(position));
  }

  /**
   * The answer to a request. Rejects with {@link JournalLostError} if there will be none, and with {@link Unanswered} if another try may
   * get one; does not wait for a request that was pending when the connection was lost.
   */
  async call<R>(request: () => Promise<R>): Promise<R> {
    const reconnected$ = this.events$.pipe(
      filter(({ type }) => type === 'reconnect'),
      map(() => {
        throw new Unanswered();
      }),
    );
    for (let tries = 1; ; tries++) {
      try {
        return await firstValueFrom(merge(from(request()), reconnected$));
      } catch (error) {
        if (!isNotFound(error) || tries === ASKED) throw this.toJournalError(error);
      }
      await lastValueFrom(timer(ASKED_AGAIN_MS));
    }
  }

  /** What an error of the client means for the journal. */
  toJournalError(error: unknown): Error {
    if (error instanceof JournalLostError || error instanceof Unanswered) return error;
    if (this.lost) return this.lost;
    if (isPassing(error)) return new Unanswered({ cause: error });
    const message = error instanceof Error ? error.message : String(error);
    return new JournalLostError(`the stream "${this.stream}" cannot be used: ${message}`, { cause: error });
  }
}

/** No server answered, or only one that cannot decide. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';

  constructor(options?: ErrorOptions) {
    super('No server answered', options);
  }
}

/** The oldest position that a stream keeps; a new one says 0. */
function oldest({ first_seq }: StreamInfo['state']): Position {
  return Math.max(first_seq, START + 1);
}

/** Whether a server says that there is no such stream. */
export function isNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}

/** Whether a connection reports that it may not publish to the subject. */
export function forbids(status: Status, subject: string): status is ServerErrorStatus {
  return (
    status.type === 'error' && status.error instanceof PermissionViolationError && status.error.subject === subject
  );
}

/** Codes, among those of a server that cannot answer, for an account without JetStream (`JSNoAccountErr`, `JSNotEnabledForAccountErr`). */
const PERMANENT: readonly number[] = [10035, 10039];
/** Codes, among those of a wrong request, that may pass: `JSMaximumConsumersLimitErr`, until another reader leaves, and `JSStreamTooManyRequests`. */
const PASSING: readonly number[] = [10026, 10167];

function isPassing(error: unknown): boolean {
  if (error instanceof TimeoutError) return true;
  if (error instanceof RequestError) return error.isNoResponders();
  if (error instanceof JetStreamApiError)
    return !PERMANENT.includes(error.code) && (error.status >= 500 || PASSING.includes(error.code));
  return error instanceof Error && error.cause !== undefined && isPassing(error.cause);
}
