import { HEAD, NECK } from '../../flush/json-entry-serializer';
import type { Position } from '../../journal/position';
import { beginsJson } from './begins-json';

/** Whether a text can be the remains of the line that the journal's own serializer writes at a position, after a crash. */
export function isLineBeginning(text: string, position: Position): boolean {
  const head = HEAD + position + NECK;
  return head.startsWith(text) || (text.startsWith(head) && beginsJson(text) && !isJson(text));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
