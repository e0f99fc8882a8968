import type { OperatorFunction } from 'rxjs';
import { assertFunction } from '../errors/assert-argument';
import { batchesOf } from './batches-of';

/**
 * Collects values into batches that an operator cuts: like `bufferWhen`, with a notifier that sees the collected values.
 *
 * The predicate is subscribed when the first value of a batch joins. It receives the active batch (the same array, growing) with
 * that value and each later one; its first emission cuts the batch there, including the newest value. So any operator that emits
 * at the right time is a predicate: `filter(batch => batch.length >= 50)`, `debounceTime(200)`, `() => timer(2000)`.
 *
 * When the source completes, emits the remaining values, but never an empty batch. Errors of the source and of the predicate come after what was
 * collected. If a predicate completes without emitting, its batch grows until the source ends.
 *
 * @example
 * ```ts
 * clicks$.pipe(bufferUntil(debounceTime(250)), map((clicks) => clicks.length));
 * ```
 */
export function bufferUntil<V>(predicate: OperatorFunction<readonly NoInfer<V>[], unknown>): OperatorFunction<V, V[]> {
  assertFunction('predicate', predicate);
  return batchesOf<V>(predicate);
}
