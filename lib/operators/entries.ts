import { map, type OperatorFunction } from 'rxjs';
import type { Positioned } from '../journal/position';

/**
 * Takes the entries out of positioned records.
 *
 * @example
 * ```ts
 * scrivener.tail().pipe(entries(), filter(isType('Said'))).subscribe(({ text }) => show(text));
 * ```
 */
export function entries<T>(): OperatorFunction<Positioned<T>, T> {
  return map(({ entry }) => entry);
}
