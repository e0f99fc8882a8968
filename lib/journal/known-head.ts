import { NotSupportedError } from '../errors/not-supported-error';
import { START, type Position } from './position';

/** The newest position that a journal knows of without asking anybody; {@link START} when it does not tell. */
export function knownHead(scrivener: object): Position {
  try {
    const { head } = scrivener as { readonly head?: unknown };
    return Number.isSafeInteger(head) ? (head as Position) : START;
  } catch (error) {
    // What a TappedScrivener wraps may have none.
    if (error instanceof NotSupportedError) return START;
    throw error;
  }
}
