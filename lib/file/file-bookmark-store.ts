import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CorruptBookmarkError } from '../errors/corrupt-bookmark-error';
import { assertPosition, START, type Position } from '../journal/position';
import type { BookmarkStore } from '../patterns/bookmark-store';

/**
 * A bookmark in a file of its own, `{"position":7}`: a crash leaves the old one or the new one.
 *
 * Saves that are asked for while one is under way end with the last of them. The file is replaced by a synced one, in the manner of
 * https://lwn.net/Articles/457667/.
 *
 * @example
 * ```ts
 * consume(scrivener, new FileBookmarkStore('data/mailer.json'), ({ entry }) => mail(entry)).subscribe();
 * ```
 */
export class FileBookmarkStore implements BookmarkStore {
  readonly #filePath: string;
  #wanted: Position = START;
  /** The save under way, and the one that waits behind it for whatever is wanted then. */
  #saving: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(filePath: string) {
    this.#filePath = filePath;
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
    return (this.#saving = this.#replace(this.#wanted).finally(() => {
      this.#saving = undefined;
    }));
  }

  async #replace(position: Position): Promise<void> {
    const directory = dirname(this.#filePath);
    await mkdir(directory, { recursive: true });
    const temporary = `${this.#filePath}.${randomUUID()}.tmp`;
    try {
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(`{"position":${position}}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#filePath);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
  }
}
