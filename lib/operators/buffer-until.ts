import type { OperatorFunction } from 'rxjs';
import { assertFunction } from '../errors/assert-argument';
import { batchesOf } from './batches-of';

/**
 * Collects values into batches that an operator cuts: `bufferWhen` with a notifier that sees what is collected.
 *
 * The predicate is subscribed anew when the first value of a batch joins, is handed the active batch (the same array, growing) with
 * that value and each later one, and its first emission cuts the batch there, the newest value included. So any operator that emits
 * when it is time is one: `filter(batch => batch.length >= 50)`, `debounceTime(200)`, `() => timer(2000)`.
 *
 * Emits what is left when the source completes, never an empty batch; errors of the source and of the predicate come after what was
 * collected. A predicate that completes without emitting leaves its batch to the source's end.
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
