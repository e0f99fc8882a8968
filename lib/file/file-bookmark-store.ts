import { CorruptBookmarkError } from '../errors/corrupt-bookmark-error';
import { assertPosition, START, type Position } from '../journal/position';
import { STORED_AS, type BookmarkStore } from '../patterns/bookmark-store';
import { absolutePathOf } from './disk/file-path';
import { SavedText } from './disk/saved-text';

/**
 * A bookmark in its own file, `{"position":7}`: a crash leaves the old one or the new one. Follows links; keeps mode and owner.
 *
 * Saves requested during a save are combined: only the last is written.
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

  /** Resolves with {@link START} if there is no file; rejects with {@link CorruptBookmarkError} if it holds no bookmark. */
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

  /** Creates directories. Rejects with `RangeError` for a value that is not a position, and with the system's error if the file cannot be written. */
  async save(position: Position): Promise<void> {
    assertPosition('position', position);
    await this.#file.save(`{"position":${position}}\n`);
  }
}
