import { SerializationError } from '../errors/serialization-error';
import type { Position } from './position';

const MAX_ATTEMPTS = 10;

/** Makes something for the journal's end, and makes it again if making it wrote to the journal, as a toJSON or a getter of an entry can. */
export function atHead<R>(journal: { readonly head: Position }, make: (head: Position) => R): R {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const { head } = journal;
    const made = make(head);
    if (head === journal.head) return made;
  }
  throw new SerializationError('it writes to the journal each time it is serialized');
}
