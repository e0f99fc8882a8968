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

/** A stream: the journal of its messages, and what is on record about it. */
export class Stream {
  readonly state = new StreamState();
  /** Something other than a message has happened: it was closed, or deleted. */
  readonly changes = new Subject<void>();
  /** The page that was read last, for all readers at its place. */
  newest: { readonly after: Position; readonly head: Position; readonly page: Promise<Page> } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    readonly name: string,
    readonly messages: Scrivener<unknown>,
    readonly records: Scrivener<StreamRecord>,
  ) {}

  /** One step after the other: what is validated is what is appended to. */
  inTurn<R>(step: () => Promise<R>): Promise<R> {
    const turn = this.#turn.then(step);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Where the journal of messages ends, all of it flushed. */
  async head(): Promise<Position> {
    const head = await firstValueFrom(newestPosition(this.messages));
    await flushed(this.messages, head);
    return head;
  }

  /** Puts something on record, flushed. */
  async record(record: StreamRecord): Promise<void> {
    await flushed(this.records, await this.records.write(record));
  }

  /**
   * Appends messages: all, or none, where the journal takes several entries as one; otherwise one after the other. Resolves with the position of the last.
   *
   * @param written - called with how many are written, each time that is more; with it, each is only appended right after the one before, since who
   * knows that can continue
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
      // Who cannot continue would start over because of another writer's entry.
      position = await this.messages.write(entry, written && { expect: position });
    }
    return position;
  }
}

/** Resolves when a position is flushed, which is asked for now where the journal can be asked. */
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

/** The streams of journals, by name; those that are used are known. */
export class Streams {
  readonly #journals: ServedJournals;
  readonly #known = new Map<string, Promise<Stream | undefined>>();
  /** The end of the newest step that makes or removes a stream of a name. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(journals: ServedJournals) {
    this.#journals = journals;
  }

  /** The stream of a name; `undefined` for one that does not exist, or whose time is over. Throws a 410 for one that is kept for its forks alone. */
  async find(name: string): Promise<Stream | undefined> {
    const stream = await this.known(name);
    if (stream?.state.isExpired && !stream.state.isDeleted) {
      await this.remove(name);
      return this.find(name);
    }
    if (stream?.state.isDeleted) throw new Problem(410, 'ERR_STREAM_GONE', 'The stream is deleted');
    return stream;
  }

  /** One step after the other for a name. */
  async inTurn<R>(name: string, step: () => Promise<R>): Promise<R> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(step);
    const end = turn.catch(() => undefined);
    this.#turns.set(name, end);
    void end.then(() => {
      if (this.#turns.get(name) === end) this.#turns.delete(name);
    });
    return turn;
  }

  /** The stream of a name, also one that is deleted. */
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

  /** A stream that is to be created: nothing is left of one of the same name. */
  async fresh(name: string): Promise<Stream> {
    await this.#journals.delete(RECORDS + name);
    return this.#stream(name);
  }

  /** Deletes a stream; one that has forks stays on record, and its name taken. Resolves with whether there was one. */
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

  /** What this was forked from is removed with its last fork if it was only kept for it. */
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
    // A crash came before its first messages: nobody has heard of it.
    if (head < (state.creation?.initial ?? 0)) {
      await this.#journals.delete(name);
      await this.#journals.delete(RECORDS + name);
      return undefined;
    }
    return stream;
  }
}
