import { firstValueFrom, fromEvent, map, merge, race, take, timer } from 'rxjs';
import { isNotFound } from '../errors/journal-not-found-error';
import { JournalClosedError } from '../errors/journal-closed-error';
import type { Position } from '../journal/position';
import type { Stream } from './streams';
import { formatOf, type MessageFormat } from './messages';
import { eventOf } from './protocol';

/** An answer ends with the message that reaches this many characters. */
const MAX_CHUNK = 512 * 1024;

/** A page with fewer characters is kept for later readers. */
const MAX_KEPT = 16 * 1024;

/** Consecutive messages, as they are sent. */
export class Page {
  readonly #texts: readonly string[];
  readonly #format: MessageFormat;
  #event: Uint8Array | undefined;
  /** The position of the last one. */
  readonly last: Position;
  /** Whether these are all messages at present. */
  readonly isUpToDate: boolean;

  constructor(texts: readonly string[], last: Position, isUpToDate: boolean, format: MessageFormat) {
    this.#texts = texts;
    this.#format = format;
    this.last = last;
    this.isUpToDate = isUpToDate;
  }

  get isEmpty(): boolean {
    return this.#texts.length === 0;
  }

  /** As a body. */
  get body(): Uint8Array<ArrayBuffer> {
    return this.#format.join(this.#texts);
  }

  /** As an event, made once. Each reader gets its own bytes, because their consumer may detach the buffer. */
  get event(): Uint8Array {
    this.#event ??= eventOf('data', this.#format.data(this.#texts));
    return this.#event.slice();
  }
}

/** The messages after a position, as many as fit into an answer: one page for all readers at the same place. */
export async function pageAfter(stream: Stream, after: Position): Promise<Page> {
  const head = await stream.head();
  const { newest } = stream;
  if (newest?.after === after && newest.head === head) return newest.page;
  const release = () => {
    if (stream.newest?.page === page) stream.newest = undefined;
  };
  const page = readPage(stream, after, head, release);
  stream.newest = { after, head, page };
  page.catch(release);
  return page;
}

/** @param release - called if it is too large to be kept */
async function readPage(stream: Stream, after: Position, head: Position, release: () => void): Promise<Page> {
  const format = formatOf(stream.state.contentType);
  const texts: string[] = [];
  let last = after;
  let size = 0;
  if (after < head) {
    for await (const { position, entry } of stream.messages.tail(after)) {
      const text = format.textOf(entry);
      texts.push(text);
      last = position;
      size += text.length;
      if (position >= head || size >= MAX_CHUNK) break;
    }
  }
  if (size > MAX_KEPT) release();
  return new Page(texts, last, last >= head, format);
}

/** Waits for news after a position: a message, the stream's end or its deletion; resolves with whether there are any. */
export async function moreAfter(stream: Stream, after: Position, ms: number, signal: AbortSignal): Promise<boolean> {
  const left$ = fromEvent(signal, 'abort').pipe(map(() => false));
  const more$ = merge(stream.messages.tail(after, { flushed: true }).pipe(take(1)), stream.changes.pipe(take(1))).pipe(
    take(1),
    map(() => true),
  );
  if (signal.aborted) return false;
  try {
    return await firstValueFrom(race(more$, timer(ms).pipe(map(() => false)), left$), { defaultValue: true });
  } catch (error) {
    if (isNotFound(error) || error instanceof JournalClosedError) return true;
    throw error;
  }
}
