import { Inject } from '@nestjs/common';
import { getJournalsToken } from './journal-tokens';

/**
 * Injects the journals of a folder into a constructor's parameter or a property; short for `@Inject(getJournalsToken(name))`.
 *
 * @param name - of the folder. Default: the one without a name
 * @example
 * ```ts
 * class Chats {
 *   constructor(@InjectJournals() private readonly journals: Journals<ChatEntry>) {}
 * }
 * ```
 */
export function InjectJournals(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getJournalsToken(name));
}
