import { assertWaitOptions } from '../journal/assert-options';
import { assertDelayMs, assertFunction, assertMethods } from '../errors/assert-argument';
import type { Position, Positioned } from '../journal/position';
import type { Scrivener, WaitOptions } from '../journal/scrivener';

/**
 * Writes a question and resolves with the first entry after it that is its answer.
 *
 * `isAnswer` also gets the question's position. Rejects as `write` does, then as `waitFor` does; `timeout` counts from the moment the question
 * is written. The question stays written.
 *
 * @example
 * ```ts
 * const { entry } = await ask(scrivener, { type: 'Asked', text: 'ready?' }, isType('Answered'), { timeout: 5_000 });
 * const reply = await ask(scrivener, question, (entry, asked) => entry.type === 'Answered' && entry.inReplyTo === asked);
 * ```
 */
export function ask<T, A extends T>(
  scrivener: Scrivener<T>,
  question: NoInfer<T>,
  isAnswer: (entry: T, asked: Position) => entry is A,
  options?: WaitOptions,
): Promise<Positioned<A>>;
export function ask<T>(
  scrivener: Scrivener<T>,
  question: NoInfer<T>,
  isAnswer: (entry: T, asked: Position) => boolean,
  options?: WaitOptions,
): Promise<Positioned<T>>;
export async function ask<T>(
  scrivener: Scrivener<T>,
  question: NoInfer<T>,
  isAnswer: (entry: T, asked: Position) => boolean,
  options: WaitOptions = {},
): Promise<Positioned<T>> {
  assertMethods('scrivener', scrivener, ['write', 'waitFor']);
  assertFunction('isAnswer', isAnswer);
  assertWaitOptions(options);
  if (options.timeout !== undefined) assertDelayMs('timeout', options.timeout);
  const asked = await scrivener.write(question, { signal: options.signal });
  return scrivener.waitFor(asked, (entry) => isAnswer(entry, asked), options);
}
