import { toJson } from '../../flush/json-entry-serializer';
import type { Position, Positioned } from '../../journal/position';

const SLOTS = 1_024;
/** Longer texts are not kept but made again for each reader, to save memory. */
const MAX_LENGTH = 16 * 1024;

/** The events of entries, made once for all readers near the same place; a position always holds the same entry. */
export class EventTexts {
  readonly #slots: ({ readonly position: Position; readonly text: string } | undefined)[] = [];

  /** An entry's event: its position, after which an EventSource continues, and its JSON; throws {@link SerializationError} if it has none. */
  of({ position, entry }: Positioned<unknown>): string {
    const slot = position % SLOTS;
    const known = this.#slots[slot];
    if (known?.position === position) return known.text;
    const text = `id: ${position}\ndata: ${toJson(entry)}\n\n`;
    if (text.length <= MAX_LENGTH) this.#slots[slot] = { position, text };
    return text;
  }
}

/** An event that is not an entry. */
export function eventText(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
