import { CorruptBookmarkError } from '../errors/corrupt-bookmark-error';
import { assertPosition, START, type Position } from '../journal/position';
import { STORED_AS, type BookmarkStore } from '../patterns/bookmark-store';
import { absolutePathOf } from './disk/file-path';
import { SavedText } from './disk/saved-text';

/**
 * A bookmark in a file of its own, `{"position":7}`: a crash leaves the old one or the new one. A link is written through; mode and owner stay.
 *
 * Saves that are asked for while one is under way end with the last of them.
 *
 * @example
 * ```ts
 * consume(scrivener, new FileBookmarkStore('data/mailer.json'), ({ entry }) => mail(entry)).subscribe();
 * ```
 */
export class FileBookmarkStore implements BookmarkStore {
  readonly #filePath: string;
  readonly #file: SavedText;

  /** @param filePath - a path or a `file:` URL */
  constructor(filePath: string | URL) {
    this.#filePath = absolutePathOf('filePath', filePath);
    this.#file = new SavedText(this.#filePath);
    Reflect.defineProperty(this, STORED_AS, { value: this.#filePath });
  }

  /** Resolves with {@link START} when there is no file; rejects with {@link CorruptBookmarkError} when it holds no bookmark. */
  async load(): Promise<Position> {
    const text = await this.#file.load();
    if (text === undefined) return START;
    try {
      const { position } = JSON.parse(text) as { position: unknown };
      assertPosition('position', position);
      return position;
    } catch {
      throw new CorruptBookmarkError(this.#filePath);
    }
  }

  /** Directories are created. Rejects with `RangeError` for what is no position, and with the system's error when it cannot be written. */
  async save(position: Position): Promise<void> {
    assertPosition('position', position);
    await this.#file.save(`{"position":${position}}\n`);
  }
}
