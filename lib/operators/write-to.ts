import { concatMap, type Observable, type ObservableInput } from 'rxjs';
import { assertMethods } from '../errors/assert-argument';
import type { Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { eachInTurn } from '../patterns/each-in-turn';
import { fromInput, isPullable, type PlatformObservable } from './from-input';

/**
 * Writes a source into a journal, one entry at a time and in order, and emits each position. Completes when the source has completed and the last entry is
 * written, so `lastValueFrom` gives the last position. Errors as `write` and the source do.
 *
 * The operator subscribes to the source like any other, and entries wait in memory if the source is faster than the journal. Called with an iterable, it pulls:
 * it requests the next entry when the previous one is written.
 *
 * @example
 * ```ts
 * await lastValueFrom(chunks$.pipe(writeTo(scrivener)));
 * await lastValueFrom(writeTo(scrivener)(readLines()));
 * ```
 */
export function writeTo<T>(
  scrivener: Scrivener<T>,
): (source: ObservableInput<T> | PlatformObservable<T>) => Observable<Position> {
  assertMethods('scrivener', scrivener, ['write']);
  const write = async (entry: T) => scrivener.write(entry);
  return (source) =>
    isPullable(source) ? eachInTurn(source, write) : fromInput(source).pipe(concatMap((entry) => write(entry)));
}
