import { SerializationError } from '../../errors/serialization-error';
import { badRequest } from './problem';

/** Deeper than any sensible entry, and shallow enough for code that walks entries recursively. */
const MAX_DEPTH = 128;

const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
/** Of `[` and `{`, and of `]` and `}`, when bit 5 is set. */
const OPENING = '{'.charCodeAt(0);
const CLOSING = '}'.charCodeAt(0);

/** Parses an entry from JSON; throws a 400 for invalid JSON and {@link SerializationError} for an entry that is nested too deep. */
export function parseEntry(text: string): unknown {
  assertShallow(text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the text.
    throw badRequest('The body is not JSON');
  }
}

function assertShallow(text: string): void {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) quoted = !quoted;
    else if (quoted) i += code === BACKSLASH ? 1 : 0;
    else if ((code | 32) === OPENING) depth++;
    else if ((code | 32) === CLOSING) depth--;
    if (depth > MAX_DEPTH) throw new SerializationError(`it is nested more than ${MAX_DEPTH} levels deep`);
  }
}
