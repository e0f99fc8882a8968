import { toJson } from '../../flush/json-entry-serializer';
import type { Position, Positioned } from '../../journal/position';

const SLOTS = 1_024;
/** Longer texts are made again for each reader, so that what is kept stays small. */
const MAX_LENGTH = 16 * 1024;

/** The events of entries, made once for all who read about the same place; at a position there is always the same entry. */
export class EventTexts {
  readonly #slots: ({ readonly position: Position; readonly text: string } | undefined)[] = [];

  /** An entry's event: its position, by which an EventSource continues, and its JSON; throws {@link SerializationError} when it has none. */
  of({ position, entry }: Positioned<unknown>): string {
    const slot = position % SLOTS;
    const known = this.#slots[slot];
    if (known?.position === position) return known.text;
    const text = `id: ${position}\ndata: ${toJson(entry)}\n\n`;
    if (text.length <= MAX_LENGTH) this.#slots[slot] = { position, text };
    return text;
  }
}

/** An event that is no entry. */
export function eventText(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
