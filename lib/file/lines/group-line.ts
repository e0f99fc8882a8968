import { HEAD } from '../../flush/json-entry-serializer';

/** How the journal's own line ends when its group continues in the next one; JSON allows the space, and the serializer puts none there itself. */
const CONTINUED = ' }';
/** The same where an editor has made newlines two characters. */
const CONTINUED_CRLF = ' }\r';

/** The line of an entry whose group continues in the next one, made of the line that the journal's own serializer gives. */
export function continuedLine(line: string): string {
  return line.slice(0, -1) + CONTINUED;
}

/** Whether the group of a line continues in the next one. Lines that others laid out belong to no group. */
export function isContinuedLine(line: string): boolean {
  return (line.endsWith(CONTINUED) || line.endsWith(CONTINUED_CRLF)) && line.startsWith(HEAD);
}
