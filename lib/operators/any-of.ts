import { connect, merge, type OperatorFunction } from 'rxjs';
import { assertFunction } from '../errors/assert-argument';
import { fromInput } from './from-input';

/**
 * Emits whenever one of the operators does; as a flush predicate, it cuts when the first of them would. Subscribes to the source once.
 *
 * @example
 * ```ts
 * anyOf(countThreshold(100), elapsed(1_000), filter((snapshot) => snapshot.at(-1)!.entry.type === 'TurnEnded'));
 * ```
 */
export function anyOf<V>(...predicates: OperatorFunction<V, unknown>[]): OperatorFunction<V, unknown> {
  predicates.forEach((predicate, index) => assertFunction(`predicates[${index}]`, predicate));
  return connect((shared) => merge(...predicates.map((predicate) => fromInput(shared.pipe(predicate)))));
}
