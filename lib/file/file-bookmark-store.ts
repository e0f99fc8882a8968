import { readFile } from 'node:fs/promises';
import { CorruptBookmarkError } from '../errors/corrupt-bookmark-error';
import { assertPosition, START, type Position } from '../journal/position';
import { STORED_AS, type BookmarkStore } from '../patterns/bookmark-store';
import { syncDirectory } from './directory';
import { absolutePathOf, targetOf } from './file-path';
import { removeTemporaries, replaceFile } from './replace-file';

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
  /** Whether its name lasts, and what crashed saves have left is gone. */
  #isTidy = false;
  #wanted: Position = START;
  /** The save under way, and the one that waits for it for whatever is wanted then. */
  #saving: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @param filePath - a path or a `file:` URL */
  constructor(filePath: string | URL) {
    this.#filePath = absolutePathOf('filePath', filePath);
    Reflect.defineProperty(this, STORED_AS, { value: this.#filePath });
  }

  /** Resolves with {@link START} when there is no file; rejects with {@link CorruptBookmarkError} when it holds no bookmark. */
  async load(): Promise<Position> {
    let text: string;
    try {
      text = await readFile(this.#filePath, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return START;
      throw error;
    }
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
    this.#wanted = position;
    if (this.#next) return this.#next;
    if (!this.#saving) return this.#begin();
    return (this.#next = this.#saving.catch(() => undefined).then(() => this.#begin()));
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    return (this.#saving = this.#replace(`{"position":${this.#wanted}}\n`).finally(() => {
      this.#saving = undefined;
    }));
  }

  async #replace(text: string): Promise<void> {
    await replaceFile(this.#filePath, text);
    if (this.#isTidy) return;
    const target = await targetOf(this.#filePath);
    await syncDirectory(target);
    await removeTemporaries(target).catch(() => undefined);
    this.#isTidy = true;
  }
}
