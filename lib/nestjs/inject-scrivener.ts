import { Inject } from '@nestjs/common';
import { getScrivenerToken } from './journal-tokens';

/**
 * Injects a journal's scrivener into a constructor's parameter or a property; short for `@Inject(getScrivenerToken(name))`.
 *
 * @param name - of the journal. Default: the one without a name
 * @example
 * ```ts
 * class Chat {
 *   constructor(@InjectScrivener() private readonly scrivener: Scrivener<ChatEntry>) {}
 * }
 * ```
 */
export function InjectScrivener(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getScrivenerToken(name));
}
