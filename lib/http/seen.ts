import { JournalMismatchError } from '../errors/journal-mismatch-error';
import { isTrimmed } from '../errors/position-trimmed-error';
import { toJson } from '../flush/json-entry-serializer';
import { START, type Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { badRequest } from './server/problem';

/** The query in which a returning reader sends what it read last. */
export const SEEN = 'seen';
/** How many entries are compared: more than are equal by chance. */
const COUNT = 16;
/** A global is slow to get at in the realms that Jest makes. */
const { imul } = Math;

/** The newest entries that a reader was sent, as they were sent. */
export class SeenTexts {
  readonly #texts: string[] = [];
  #next = 0;

  /** A copy for another reader that has seen the same so far. */
  copy(): SeenTexts {
    const copy = new SeenTexts();
    copy.#texts.push(...this.#texts);
    copy.#next = this.#next;
    return copy;
  }

  note(text: string): void {
    this.#texts[this.#next] = text;
    this.#next = (this.#next + 1) % COUNT;
  }

  /** The newest of them. */
  get newest(): string | undefined {
    return this.#texts.at(this.#next - 1);
  }

  /** Their digests, newest first; `undefined` if there are none. */
  get digests(): string | undefined {
    if (this.#texts.length === 0) return undefined;
    const newestFirst = this.#texts.map((_, index) => this.#texts.at((this.#next - 1 - index) % this.#texts.length)!);
    return newestFirst.map(digestOf).join('.');
  }
}

/**
 * Rejects with {@link JournalMismatchError} if the entries up to `after` are not those whose digests a reader sends, newest first: it continues from another
 * history. Dropped entries are not compared.
 */
export async function assertSeen<T>(scrivener: Scrivener<T>, after: Position, seen: string): Promise<void> {
  if (!/^[0-9a-f]{16}(?:\.[0-9a-f]{16}){0,15}$/.test(seen))
    throw badRequest(`Expected \`${SEEN}\` to be digests of entries`);
  const digests = seen.split('.');
  let next = after;
  try {
    for await (const { position, entry } of scrivener.readBackward(after + 1)) {
      if (position !== next) break;
      if (digestOf(toJson(entry)) !== digests[after - position]) {
        throw new JournalMismatchError(`position ${position} holds another entry than the one that was read`);
      }
      next--;
      if (after - next === digests.length || next === START) return;
    }
  } catch (error) {
    if (isTrimmed(error)) return;
    throw error;
  }
  throw new JournalMismatchError(`it has no entry at position ${next}, and one was read there`);
}

/** 64 bits of a text: two runs of FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/. Protects against accidents, not malice. */
function digestOf(text: string): string {
  let one = 0x811c9dc5;
  let other = 0x01000193;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    one = imul(one ^ code, 0x01000193);
    other = imul(other ^ ((code << 7) | (code >> 9)), 0x85ebca6b);
  }
  return [one, other].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}
