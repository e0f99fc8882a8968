import { HEAD, JsonEntrySerializer, NECK } from '../flush/json-entry-serializer';
import type { EntrySerializer } from '../flush/entry-serializer';
import type { Position } from '../journal/position';
import { beginsJson } from './begins-json';

/** Whether a serializer is the journal's own, not one that is made from it. */
export function isOwn<T>(serializer: EntrySerializer<T>): boolean {
  return (serializer as object).constructor === JsonEntrySerializer && !Object.hasOwn(serializer, 'serialize');
}

/** Whether a text can be what a crash leaves of the line that the journal's own serializer writes at a position. */
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
