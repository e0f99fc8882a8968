import { HEAD } from '../../flush/json-entry-serializer';

/** How the journal's own line ends if its group continues in the next one. JSON allows the space, and the serializer never writes one there. */
const CONTINUED = ' }';
/** The same if an editor has made newlines two characters. */
const CONTINUED_CRLF = ' }\r';

/** Marks a line of the journal's own serializer: its group continues in the next line. */
export function continuedLine(line: string): string {
  return line.slice(0, -1) + CONTINUED;
}

/** Whether the group of a line continues in the next one. Lines with another layout belong to no group. */
export function isContinuedLine(line: string): boolean {
  return (line.endsWith(CONTINUED) || line.endsWith(CONTINUED_CRLF)) && line.startsWith(HEAD);
}
