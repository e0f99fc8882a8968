import { assertDelayMs } from '../errors/assert-argument';
import type { Positioned } from '../journal/position';
import type { Scrivener, WaitOptions } from '../journal/scrivener';

/**
 * Writes a question and resolves with the first entry behind it that is its answer.
 *
 * Rejects as `write` does, then as `waitFor` does; `timeout` counts from the moment the question is written. The question stays written.
 *
 * @example
 * ```ts
 * const { entry } = await ask(scrivener, { type: 'Asked', text: 'ready?' }, isType('Answered'), { timeout: 5_000 });
 * ```
 */
export async function ask<T, A extends T>(
  scrivener: Scrivener<T>,
  question: NoInfer<T>,
  isAnswer: (entry: T) => entry is A,
  options: WaitOptions = {},
): Promise<Positioned<A>> {
  if (options.timeout !== undefined) assertDelayMs('timeout', options.timeout);
  const asked = await scrivener.write(question, { signal: options.signal });
  return scrivener.waitFor(asked, isAnswer, options);
}
