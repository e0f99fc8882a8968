import { forwardAbort } from './abort';
import { readEnd, type End } from './cursor';
import { JournalStream } from './journal-stream';
import type { Positioned } from './position';
import { PullIterator } from './pull-iterator';

/** Opens pages of records, in order. When the signal is aborted nobody reads further, and the pages must release what they hold. */
export type OpenPages<T> = (signal: AbortSignal) => AsyncIterator<readonly Positioned<T>[]>;

/**
 * A stream over records that come a page at a time: it holds one page, and fetches the next when that one is used up.
 *
 * @param signal - errors the stream with its reason when it is aborted
 */
export function pagedStream<T>(open: OpenPages<T>, signal?: AbortSignal): JournalStream<T> {
  return new JournalStream(
    (subscriber) => {
      forwardAbort(signal, subscriber);
      if (subscriber.closed) return;
      const controller = new AbortController();
      subscriber.add(() => controller.abort());
      const run = async () => {
        const pages = open(controller.signal);
        for (let page = await pages.next(); !page.done; page = await pages.next()) {
          for (const record of page.value) {
            if (subscriber.closed) break;
            subscriber.next(record);
          }
          if (!subscriber.closed) continue;
          await pages.return?.();
          return;
        }
        subscriber.complete();
      };
      run().catch((error: unknown) => subscriber.error(error));
    },
    () => pagedIterator(open, signal),
  );
}

/**
 * Iterates values that come a page at a time; fetches the first page when the first value is requested.
 *
 * @param open - as {@link OpenPages}
 */
export function pagedIterator<V>(
  open: (signal: AbortSignal) => AsyncIterator<readonly V[]>,
  signal?: AbortSignal,
): AsyncIterableIterator<V, undefined> {
  const controller = new AbortController();
  let pages: AsyncIterator<readonly V[]> | undefined;
  let page: readonly V[] = [];
  let index = 0;
  let end: End | undefined;
  let isRequested = false;
  let fetching = false;

  const fetch = async (pull: () => void) => {
    fetching = true;
    while (isRequested) {
      try {
        const next = await (pages ??= open(controller.signal)).next();
        if (next.done) end = { failed: false };
        else [page, index] = [next.value, 0];
      } catch (error) {
        end = { failed: true, error };
      }
      pull();
    }
    fetching = false;
  };

  return new PullIterator(
    {
      read() {
        if (index < page.length) return page[index++]!;
        return readEnd(end);
      },
    },
    signal,
    {
      join: (pull) => {
        isRequested = true;
        if (!fetching) void fetch(pull);
      },
      leave: () => (isRequested = false),
      close: () => {
        controller.abort();
        pages?.return?.().catch(() => undefined);
      },
    },
  );
}
