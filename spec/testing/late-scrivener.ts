import { delay, dematerialize, materialize, Observable, takeUntil } from 'rxjs';
import {
  InMemoryScrivener,
  JournalStream,
  type Position,
  type Positioned,
  type ReadOptions,
  type WaitOptions,
  type WriteOptions,
} from 'rx-scrivener';

const LATENCY_MS = 1;
const pause = () => new Promise<void>((resolve) => setTimeout(resolve, LATENCY_MS));

/** A right journal that does nothing synchronously, as one behind a network. */
export class LateScrivener<T> extends InMemoryScrivener<T> {
  override async write(entry: T, options?: WriteOptions): Promise<Position> {
    await pause();
    const position = await super.write(entry, options);
    await pause();
    return position;
  }

  override tail(after?: Position | 'oldest', options?: ReadOptions): JournalStream<T> {
    return late(super.tail(after, { match: options?.match }), options, super.tail(after, options));
  }

  override readBackward(before?: Position, options?: ReadOptions): JournalStream<T> {
    return late(super.readBackward(before, { match: options?.match }), options, super.readBackward(before, options));
  }

  override async waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<never> {
    await pause();
    return super.waitFor(after, match, options) as Promise<never>;
  }
}

function late<T>(stream: JournalStream<T>, { signal }: ReadOptions = {}, pulled: JournalStream<T>): JournalStream<T> {
  const aborted = new Observable<never>((subscriber) => {
    const abort = () => subscriber.error(signal?.reason);
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort);
    return () => signal?.removeEventListener('abort', abort);
  });
  const pushed: Observable<Positioned<T>> = stream.pipe(
    materialize(),
    delay(LATENCY_MS),
    dematerialize(),
    takeUntil(aborted),
  );
  return new JournalStream(
    (subscriber) => pushed.subscribe(subscriber),
    () => {
      const iterator = pulled[Symbol.asyncIterator]();
      return { next: () => pause().then(() => iterator.next()), return: () => iterator.return!() };
    },
  );
}
