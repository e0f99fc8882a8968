import {
  BehaviorSubject,
  defer,
  distinctUntilChanged,
  exhaustMap,
  filter,
  finalize,
  firstValueFrom,
  fromEvent,
  map,
  merge,
  Observable,
  retry,
  startWith,
  Subject,
  switchMap,
  timer,
} from 'rxjs';
import { JournalClosedError, START, type Checkpoint, type CheckpointStore, type Position } from 'rx-scrivener';
import { JournalLostError, openRemoteScrivener, WriteUncertainError, type RemoteScrivener } from 'rx-scrivener/http';
import type { NewestMessages } from '../../conversation.mjs';
import type { ChatEntry, Said } from './chat-entry';

export type Connection = 'connecting' | 'connected' | 'reconnecting';

const RETRY_MS = 500;
const FLUSHED_EVERY_MS = 100;

/** The journal as a server process tells it; another process may tell it otherwise, from what had been flushed on. */
export interface Run {
  readonly journal: RemoteScrivener<ChatEntry>;
  /** What the server keeps of the conversation, which is flushed. */
  readonly checkpoints: CheckpointStore<NewestMessages>;
  /** Up to where the journal was known to be flushed when this process was first heard of. */
  readonly safe: Position;
}

/** Whether this is what reads a run's journal fail with once another run has begun: what is shown of that is read then. */
export function isOfEndedRun(error: unknown): boolean {
  return error instanceof JournalClosedError || error instanceof JournalLostError;
}

/** What the page knows of its server. */
export class ChatServer {
  readonly #connection$ = new BehaviorSubject<Connection>('connecting');
  readonly #run$ = new Subject<string>();
  #run: string | undefined;
  #flushed: Position = START;
  #safe: Position = START;
  #head: () => Position = () => START;
  #kept: Promise<RemoteScrivener<ChatEntry>> | undefined;
  #said: Promise<void> = Promise.resolve();

  /** Whether the server answers. */
  readonly connection$: Observable<Connection> = merge(
    this.#connection$,
    fromEvent(window, 'offline').pipe(map((): Connection => 'reconnecting')),
    fromEvent(window, 'online').pipe(map(() => this.#connection$.value)),
  ).pipe(distinctUntilChanged());

  /** The journal, and again each time the server was started anew: that has what was flushed, and maybe not the rest. */
  readonly runs$: Observable<Run> = this.#run$.pipe(
    startWith(undefined),
    switchMap(() =>
      defer(() => openRemoteScrivener<ChatEntry>({ url: '/live', fetch: this.#fetch })).pipe(
        retry({ delay: RETRY_MS }),
        switchMap((journal) => {
          this.#head = () => journal.head;
          const run: Run = { journal, safe: this.#safe, checkpoints: this.#checkpointsOf(journal) };
          return new Observable<Run>((subscriber) => subscriber.next(run)).pipe(finalize(() => void journal.close()));
        }),
      ),
    ),
  );

  /** Up to where the server's file has the journal; asked for while there is more of it. */
  readonly flushed$: Observable<Position> = timer(0, FLUSHED_EVERY_MS).pipe(
    filter(() => this.#head() !== this.#flushed),
    exhaustMap(() => this.#askFlushed().catch(() => this.#flushed)),
    map((flushed) => (this.#flushed = flushed)),
    distinctUntilChanged(),
  );

  /**
   * Resolves once the server's file has it; tries as long as the server cannot be reached. Rejects when it is refused. What is said first is
   * written first.
   */
  say(entry: Said): Promise<void> {
    const turn = this.#said.then(() => this.#write(entry));
    this.#said = turn.catch(() => undefined);
    return turn;
  }

  async #write(entry: Said): Promise<void> {
    const before = this.#flushed;
    for (;;) {
      try {
        await (await this.#keep()).write(entry);
        return;
      } catch (error) {
        const isUncertain = error instanceof WriteUncertainError;
        if (!isUncertain && !(error instanceof JournalLostError)) throw error;
        await firstValueFrom(this.#connection$.pipe(filter((connection) => connection === 'connected')));
        if (isUncertain && (await this.#isWritten(entry, before))) return;
      }
    }
  }

  async #isWritten({ id }: Said, after: Position): Promise<boolean> {
    for await (const { position, entry } of (await this.#keep()).readBackward()) {
      if (position <= after) return false;
      if (entry.type === 'Said' && entry.id === id) return true;
    }
    return false;
  }

  /** They may be of a journal that was there before. */
  #checkpointsOf(journal: RemoteScrivener<ChatEntry>): CheckpointStore<NewestMessages> {
    return {
      load: async () => {
        const response = await this.#fetch('/conversation');
        if (response.status !== 200) return undefined;
        const checkpoint = (await response.json()) as Checkpoint<NewestMessages>;
        return checkpoint.position <= journal.head ? checkpoint : undefined;
      },
      save: async () => undefined,
    };
  }

  #keep(): Promise<RemoteScrivener<ChatEntry>> {
    this.#kept ??= openRemoteScrivener<ChatEntry>({ url: '/journal', fetch: this.#fetch }).catch((error: unknown) => {
      this.#kept = undefined;
      throw error;
    });
    return this.#kept;
  }

  async #askFlushed(): Promise<Position> {
    const response = await this.#fetch('/journal', { method: 'HEAD' });
    await response.text(); // or the browser takes it for broken off
    const [, position] = /^"(\d+)"$/.exec(response.headers.get('ETag') ?? '') ?? [];
    return position === undefined ? this.#flushed : Number(position);
  }

  /** `fetch`, that sees whether the server answers, and which process it is. */
  readonly #fetch: typeof fetch = async (input, init) => {
    let response;
    try {
      response = await fetch(input, init);
    } catch (error) {
      if (!init?.signal?.aborted) this.#connection$.next('reconnecting');
      throw error;
    }
    const run = response.headers.get('Server-Run') ?? undefined;
    this.#connection$.next(run === undefined ? 'reconnecting' : 'connected');
    if (run !== undefined && run !== this.#run) {
      const isFirst = this.#run === undefined;
      this.#run = run;
      this.#safe = this.#flushed;
      if (!isFirst) this.#run$.next(run);
    }
    return response;
  };
}
