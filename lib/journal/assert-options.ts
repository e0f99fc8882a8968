import { assertFunction, assertMethods, assertOptions } from '../errors/assert-argument';
import type { ReadOptions, TailOptions, WaitOptions, WriteOptions } from './scrivener';

const WRITE: Record<keyof WriteOptions, true> = { expect: true, signal: true };
const READ: Record<keyof ReadOptions, true> = { signal: true, match: true };
const TAIL: Record<keyof TailOptions, true> = { ...READ, caughtUp: true, flushed: true };
const WAIT: Record<keyof WaitOptions, true> = { timeout: true, signal: true };

/** Throws a `TypeError` that names what is wrong with the options of a `write`. */
export function assertWriteOptions(options: WriteOptions): void {
  assertSignal('write', options, WRITE);
}

/** Throws a `TypeError` that names what is wrong with the options of a `readBackward`. */
export function assertReadOptions(options: ReadOptions): void {
  assertSignal('readBackward', options, READ);
  if (options.match !== undefined) assertFunction('match', options.match);
}

/** Throws a `TypeError` that names what is wrong with the options of a `tail`. */
export function assertTailOptions(options: TailOptions): void {
  assertSignal('tail', options, TAIL);
  if (options.match !== undefined) assertFunction('match', options.match);
  if (options.caughtUp !== undefined) assertFunction('caughtUp', options.caughtUp);
}

/** Throws a `TypeError` that names what is wrong with the options of a wait. */
export function assertWaitOptions(options: WaitOptions): void {
  assertSignal('waitFor', options, WAIT);
}

function assertSignal(
  name: string,
  options: { readonly signal?: AbortSignal | undefined },
  known: Readonly<Record<string, true>>,
): void {
  assertOptions(name, options, known);
  if (options.signal !== undefined) assertMethods('signal', options.signal, ['throwIfAborted', 'addEventListener']);
}
