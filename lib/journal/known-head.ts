import { NotSupportedError } from '../errors/not-supported-error';
import { START, type Position } from './position';

/** The newest position that a journal knows without asking a server; {@link START} if it has no `head`. */
export function knownHead(scrivener: object): Position {
  try {
    const { head } = scrivener as { readonly head?: unknown };
    return Number.isSafeInteger(head) ? (head as Position) : START;
  } catch (error) {
    // The scrivener inside a TappedScrivener may have none.
    if (error instanceof NotSupportedError) return START;
    throw error;
  }
}
