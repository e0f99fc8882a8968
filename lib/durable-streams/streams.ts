import { firstValueFrom, Subject } from 'rxjs';
import { isNotFound } from '../errors/journal-not-found-error';
import { ScrivenerError } from '../errors/scrivener-error';
import { Problem, unflushed } from '../http/server/problem';
import { flushingOf } from '../flush/flushing-of';
import { newestPosition } from '../journal/newest-position';
import type { Position } from '../journal/position';
import type { GroupWriter, Scrivener } from '../journal/scrivener';
import type { Page } from './read-stream';
import type { ServedJournals } from './served-journals';
import { RECORDS, StreamState, type StreamRecord } from './stream-record';

/** A stream: the journal of its messages, and its record. */
export class Stream {
  readonly state = new StreamState();
  /** Emits when something other than a message has happened: it was closed or deleted. */
  readonly changes = new Subject<void>();
  /** The last page that was read, for all readers at the same place. */
  newest: { readonly after: Position; readonly head: Position; readonly page: Promise<Page> } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    readonly name: string,
    readonly messages: Scrivener<unknown>,
    readonly records: Scrivener<StreamRecord>,
  ) {}

  /** Runs steps one after the other, so that the stream does not change between a check and an append. */
  inTurn<R>(step: () => Promise<R>): Promise<R> {
    const turn = this.#turn.then(step);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** The last position of the journal of messages; all of it is flushed. */
  async head(): Promise<Position> {
    const head = await firstValueFrom(newestPosition(this.messages));
    await flushed(this.messages, head);
    return head;
  }

  /** Restarts its TTL, also for a later process. */
  async use(): Promise<void> {
    if (!this.state.use() || this.state.isDeleted) return;
    await this.record({ type: 'Used', at: this.state.lastAccessMs });
  }

  /** Writes to the record, and flushes it. */
  async record(record: StreamRecord): Promise<void> {
    await flushed(this.records, await this.records.write(record));
  }

  /**
   * Appends messages: all or none if the journal takes several entries as one, otherwise one after the other. Resolves with the position of the last.
   *
   * @param written - called with the number of messages written so far. If given, each message is appended only directly after the one before, because the caller
   * can continue
   */
  async append(entries: readonly unknown[], expect: Position, written?: (count: number) => void): Promise<Position> {
    const [first, ...others] = entries;
    if (entries.length === 0) return expect;
    const { writeAll } = this.messages as Partial<GroupWriter<unknown>>;
    if (writeAll && others.length > 0) {
      try {
        return (await writeAll.call(this.messages, entries, { expect })).at(-1)!;
      } catch (error) {
        if (!(ScrivenerError.is(error) && error.code === 'ERR_NOT_SUPPORTED')) throw error;
      }
    }
    let position = await this.messages.write(first, { expect });
    for (const [index, entry] of others.entries()) {
      written?.(index + 1);
      // A caller that cannot continue would start over because of another writer's entry.
      position = await this.messages.write(entry, written && { expect: position });
    }
    return position;
  }
}

/** Resolves when a position is flushed; asks the journal to flush now, if it can. */
export async function flushed<T>(scrivener: Scrivener<T>, position: Position): Promise<void> {
  const flushing = flushingOf(scrivener);
  if (flushing === undefined || flushing.flushed >= position) return;
  try {
    const { flush } = scrivener as { flush?: () => Promise<void> };
    await flush?.call(scrivener);
    await flushing.whenFlushed(position);
  } catch (error) {
    throw unflushed(error);
  }
}

/** The streams of journals, by name; those in use are kept. */
export class Streams {
  readonly #journals: ServedJournals;
  readonly #known = new Map<string, Promise<Stream | undefined>>();
  /** The end of the newest step that creates or removes a stream, by name. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(journals: ServedJournals) {
    this.#journals = journals;
  }

  /** The stream with a name; `undefined` if it does not exist or has expired. Throws a 410 for one that is kept only for its forks. */
  async find(name: string): Promise<Stream | undefined> {
    const stream = await this.known(name);
    if (stream?.state.isExpired && !stream.state.isDeleted) {
      await this.remove(name);
      return this.find(name);
    }
    if (stream?.state.isDeleted) throw new Problem(410, 'ERR_STREAM_GONE', 'The stream is deleted');
    return stream;
  }

  /** Runs the steps for a name one after the other. */
  async inTurn<R>(name: string, step: () => Promise<R>): Promise<R> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(step);
    const end = turn.catch(() => undefined);
    this.#turns.set(name, end);
    void end.then(() => {
      if (this.#turns.get(name) === end) this.#turns.delete(name);
    });
    return turn;
  }

  /** The stream with a name, even if it is deleted. */
  known(name: string): Promise<Stream | undefined> {
    let loading = this.#known.get(name);
    if (!loading) {
      loading = this.#load(name);
      this.#known.set(name, loading);
      loading.then(
        (stream) => {
          if (!stream) this.forget(name);
        },
        () => this.forget(name),
      );
    }
    return loading;
  }

  forget(name: string): void {
    this.#known.delete(name);
  }

  /** A stream to be created: removes what is left of one of the same name. */
  async fresh(name: string): Promise<Stream> {
    await this.#journals.delete(RECORDS + name);
    return this.#stream(name);
  }

  /** Deletes a stream. If it has forks, its record stays, and its name is taken. Resolves with whether it existed. */
  remove(name: string): Promise<boolean> {
    return this.inTurn(name, async () => {
      const stream = await this.known(name);
      if (!stream || stream.state.isDeleted) return false;
      const { state } = stream;
      if (state.forks.size > 0) {
        await stream.record({ type: 'Deleted' });
        state.isDeleted = true;
        await this.#journals.delete(name);
      } else {
        // Its readers must not write to its record again.
        state.isDeleted = true;
        this.forget(name);
        await this.#journals.delete(name);
        await this.#journals.delete(RECORDS + name);
        await this.#forkIsGone(stream);
      }
      stream.changes.next();
      return true;
    });
  }

  get canFork(): boolean {
    return this.#journals.fork !== undefined;
  }

  async fork(from: string, to: string, through: Position): Promise<void> {
    await this.#journals.fork?.(from, to, through);
  }

  create(name: string): Promise<boolean> {
    return this.#journals.create(name);
  }

  /** Removes the source of a fork together with its last fork, if it was kept only for that. */
  async #forkIsGone({ name, state }: Stream): Promise<void> {
    const { from } = state.creation?.fork ?? {};
    const source = from === undefined ? undefined : await this.known(from);
    if (!source?.state.forks.delete(name)) return;
    await source.record({ type: 'ForkDeleted', name });
    if (!source.state.isDeleted || source.state.forks.size > 0) return;
    this.forget(source.name);
    await this.#journals.delete(RECORDS + source.name);
    await this.#forkIsGone(source);
  }

  #stream(name: string): Stream {
    const records = this.#journals.journal(RECORDS + name) as Scrivener<StreamRecord>;
    return new Stream(name, this.#journals.journal(name), records);
  }

  async #load(name: string): Promise<Stream | undefined> {
    const stream = this.#stream(name);
    const { state } = stream;
    const isThere = await this.#journals.exists(name);
    const head = isThere ? await stream.head() : -1;
    try {
      let end = 0;
      const records = stream.records.tail('oldest')[Symbol.asyncIterator]();
      const last = await firstValueFrom(newestPosition(stream.records));
      while (end < last) {
        const next = await records.next();
        if (next.done) break;
        const { entry, position } = next.value;
        state.add(entry, Math.max(head, 0));
        end = position;
      }
      await records.return?.();
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    if (state.isDeleted) return stream;
    if (!isThere) return undefined;
    // A crash came before its first messages: its creation was never acknowledged.
    if (head < (state.creation?.initial ?? 0)) {
      await this.#journals.delete(name);
      await this.#journals.delete(RECORDS + name);
      return undefined;
    }
    return stream;
  }
}
