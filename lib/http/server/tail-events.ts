import type { Position, Positioned } from '../../journal/position';
import type { Scrivener } from '../../journal/scrivener';
import { eventText, type EventTexts } from './event-texts';
import { unflushed, type Problem } from './problem';
import { CAUGHT_UP, ENDED, FAILED, LOST_HEARTBEATS } from '../protocol';

/** Records that are ready are sent together, up to this many characters. */
const CHUNK_LENGTH = 32 * 1024;
/** How many microtasks a record may take and still count as ready. */
const READY_TURNS = 4;
const HEARTBEAT = ':\n\n';
/** How often the stream is looked at in a heartbeat interval. */
const BEATS = 2;

const utf8 = new TextEncoder();

/** Options of a tail's events. */
export interface TailEventsOptions<T> {
  readonly scrivener: Scrivener<T>;
  readonly after: Position;
  readonly texts: EventTexts;
  readonly heartbeatMs: number;
  readonly maxTailMs: number;
  readonly whenFlushed: (position: Position) => Promise<unknown> | undefined;
  /** The problem that the client gets for an error. */
  readonly toProblem: (error: unknown) => Problem;
  /** Its signal aborts when the reader is gone; Node's follows only while the request itself is kept. */
  readonly request: Request;
  /** Aborts when the reader may read no longer. */
  readonly allowed: AbortSignal | undefined;
}

type Outcome<T> = { readonly result: IteratorResult<Positioned<T>, unknown> } | { readonly error: unknown };

/** How a tail started. */
export type Beginning =
  | { readonly kind: 'ended'; readonly head: Position | undefined }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'open'; readonly body: ReadableStream<Uint8Array> };

/**
 * A tail as Server-Sent Events, one chunk each time the socket accepts one: a slow reader costs one cursor and one chunk.
 */
export class TailEvents<T> {
  readonly #options: TailEventsOptions<T>;
  readonly #records: AsyncIterator<Positioned<T>, unknown>;
  readonly #signals: readonly AbortSignal[];
  #reading = false;
  #outcome: Outcome<T> | undefined;
  #caughtUp: Position | undefined;
  #isQuiet = true;
  #beatIsDue = false;
  /** How many heartbeats nobody has read since the last read. */
  #untaken = 0;
  #isOver = false;
  #isCancelled = false;
  #wake = (): void => {};
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #end: ReturnType<typeof setTimeout> | undefined;

  constructor(options: TailEventsOptions<T>) {
    this.#options = options;
    const { scrivener, after, request, allowed, heartbeatMs, maxTailMs } = options;
    const caughtUp = (position: Position) => {
      this.#caughtUp = position;
      this.#wake();
    };
    this.#records = scrivener.tail(after, { caughtUp })[Symbol.asyncIterator]();
    this.#signals = [request.signal, ...(allowed ? [allowed] : [])];
    for (const signal of this.#signals) signal.addEventListener('abort', this.#release);
    if (heartbeatMs !== Infinity) this.#heartbeat = setInterval(this.#beat, heartbeatMs / BEATS);
    if (maxTailMs !== Infinity) this.#end = setTimeout(this.#release, maxTailMs);
    if (this.#signals.some(({ aborted }) => aborted)) this.#release();
  }

  /** Waits until the tail has started: with an entry, the end of replay, a failure, or after a while without any of them. */
  async begin(): Promise<Beginning> {
    this.#read();
    if (!this.#hasNews) await this.#news();
    for (let turn = 0; turn < READY_TURNS && !this.#outcome; turn++) await Promise.resolve();
    const outcome = this.#outcome;
    if (outcome && 'error' in outcome) {
      this.#release();
      return { kind: 'failed', error: outcome.error };
    }
    if (outcome?.result.done) {
      this.#release();
      return { kind: 'ended', head: this.#caughtUp };
    }
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => this.#pull(controller);
    const cancel = () => {
      this.#isCancelled = true;
      this.#release();
    };
    const body = new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
    return { kind: 'open', body };
  }

  get #hasNews(): boolean {
    return this.#outcome !== undefined || this.#caughtUp !== undefined || this.#beatIsDue || this.#isOver;
  }

  #news(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    let text = '';
    this.#untaken = 0;
    while (text.length < CHUNK_LENGTH) {
      this.#read();
      if (text === '' && !this.#hasNews) await this.#news();
      for (let turn = 0; turn < READY_TURNS && !this.#hasNews; turn++) await Promise.resolve();
      if (!this.#hasNews || this.#isOver) break;
      text += this.#nextEvent();
    }
    this.#isQuiet = false;
    if (this.#isCancelled) return;
    if (text !== '') controller.enqueue(utf8.encode(text));
    if (this.#isOver) controller.close();
  }

  /** Reads the next record, unless a read is pending. */
  #read(): void {
    if (this.#reading || this.#outcome || this.#isOver) return;
    this.#reading = true;
    const settle = (outcome: Outcome<T>) => {
      this.#reading = false;
      this.#outcome = outcome;
      this.#wake();
    };
    const fail = (error: unknown) => settle({ error });
    this.#records.next().then((result) => {
      const flushed = result.done ? undefined : this.#options.whenFlushed(result.value.position);
      if (flushed === undefined) settle({ result });
      else
        flushed.then(
          () => settle({ result }),
          (error: unknown) => fail(unflushed(error)),
        );
    }, fail);
  }

  /** The text of the next event. */
  #nextEvent(): string {
    const [caughtUp, outcome] = [this.#caughtUp, this.#outcome];
    this.#beatIsDue = false;
    if (caughtUp !== undefined) {
      this.#caughtUp = undefined;
      return eventText(CAUGHT_UP, { position: caughtUp });
    }
    this.#outcome = undefined;
    if (outcome === undefined) return HEARTBEAT;
    try {
      if ('error' in outcome) throw outcome.error;
      if (!outcome.result.done) return this.#options.texts.of(outcome.result.value);
      this.#release();
      return eventText(ENDED, {});
    } catch (error) {
      this.#release();
      return eventText(FAILED, this.#options.toProblem(error).body);
    }
  }

  /**
   * Nothing was sent for a while: a heartbeat shows both sides, and proxies between them, that the connection works. A reader that does not take it for
   * long is released: it may be gone without a word, as where a runtime drops the stream instead of cancelling it
   * (https://github.com/cloudflare/workerd/issues/6832). One that has only paused finds the end of the stream, and reconnects.
   */
  readonly #beat = (): void => {
    if (this.#isQuiet) {
      if (this.#beatIsDue && ++this.#untaken === BEATS * LOST_HEARTBEATS) return this.#release();
      this.#beatIsDue = true;
      this.#wake();
    }
    this.#isQuiet = true;
  };

  readonly #release = (): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#end);
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#release);
    this.#records.return?.().catch(() => undefined);
    this.#wake();
  };
}
