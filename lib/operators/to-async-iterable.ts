import { Subject, takeUntil, type Observable, type ObservableInput } from 'rxjs';
import { assertCount, assertOneOf, assertOptions, shown } from '../errors/assert-argument';
import { BufferOverflowError } from '../errors/buffer-overflow-error';
import { readEnd, type End } from '../journal/cursor';
import { PullIterator } from '../journal/pull-iterator';
import { Queue } from '../journal/queue';
import { fromInput, isPullable, type PlatformObservable } from './from-input';

/** How far a consumer may fall behind, and what happens then. */
export interface ToAsyncIterableOptions {
  /** How many values may wait for the consumer: an integer >= 1 or `Infinity`. @default Infinity */
  readonly highWaterMark?: number;
  /** What happens when the buffer is full: the iteration ends with {@link BufferOverflowError} after the buffered values, or the oldest or the newest value is dropped. @default 'error' */
  readonly overflow?: 'error' | 'dropOldest' | 'dropNewest';
}

const OPTIONS: Record<keyof ToAsyncIterableOptions, true> = { highWaterMark: true, overflow: true };

/**
 * Iterates any Observable, RxJS's or the platform's, and buffers what it emits until the loop requests it. A source that is iterable already ({@link JournalStream},
 * generators, arrays) is pulled and needs no buffer.
 *
 * Every iterator subscribes when it is created, so it misses nothing that a hot source emits from then on, and unsubscribes when the loop is
 * left. It ends when the source completes, and throws the source's error, both after the buffered values.
 *
 * @throws RangeError if `highWaterMark` is neither an integer >= 1 nor `Infinity`, TypeError for an unknown `overflow`, and for a source that is neither Observable nor iterable
 * @example
 * ```ts
 * const said$ = scrivener.tail().pipe(entries(), filter(isType('Said')));
 * for await (const { text } of toAsyncIterable(said$, { highWaterMark: 1_000 })) await send(text);
 * ```
 */
export function toAsyncIterable<V>(
  source: ObservableInput<V> | PlatformObservable<V>,
  options: ToAsyncIterableOptions = {},
): AsyncIterable<V> {
  assertOptions('toAsyncIterable', options, OPTIONS);
  const { highWaterMark = Infinity, overflow = 'error' } = options;
  assertCount('highWaterMark', highWaterMark, ' or Infinity');
  assertOneOf('overflow', overflow, ['error', 'dropOldest', 'dropNewest']);
  if (isPullable(source)) return Symbol.asyncIterator in Object(source) ? (source as AsyncIterable<V>) : pulled(source);
  const source$ = observableOf(source);
  return { [Symbol.asyncIterator]: () => bufferedIterator(source$, highWaterMark, overflow) };
}

function observableOf<V>(source: ObservableInput<V> | PlatformObservable<V>): Observable<V> {
  try {
    return fromInput(source);
  } catch (cause) {
    const message = `Expected \`source\` to be an Observable, a promise or an iterable, got ${shown(source)}`;
    throw new TypeError(message, { cause });
  }
}

async function* pulled<V>(source: AsyncIterable<V> | Iterable<V>): AsyncGenerator<V, undefined> {
  yield* source;
}

function bufferedIterator<V>(
  source$: Observable<V>,
  highWaterMark: number,
  overflow: NonNullable<ToAsyncIterableOptions['overflow']>,
): AsyncIterator<V> {
  const buffer = new Queue<V>();
  const stop = new Subject<void>();
  let end: End | undefined;
  let pull: (() => void) | undefined;

  const finish = (how: End) => {
    end ??= how;
    stop.next();
    pull?.();
  };

  source$.pipe(takeUntil(stop)).subscribe({
    next: (value) => {
      if (buffer.length >= highWaterMark) {
        if (overflow === 'dropNewest') return;
        if (overflow === 'error') return finish({ failed: true, error: new BufferOverflowError(highWaterMark) });
        buffer.shift();
      }
      buffer.push(value);
      pull?.();
    },
    error: (error: unknown) => finish({ failed: true, error }),
    complete: () => finish({ failed: false }),
  });

  return new PullIterator<V>(
    {
      read() {
        if (buffer.length > 0) return buffer.shift()!;
        return readEnd(end);
      },
    },
    undefined,
    {
      join: (wake) => (pull = wake),
      leave: () => (pull = undefined),
      close: () => {
        buffer.clear();
        finish({ failed: false });
      },
    },
  );
}
