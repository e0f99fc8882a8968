import { readFile } from 'node:fs/promises';
import { syncDirectory } from './directory';
import { targetOf } from './file-path';
import { removeTemporaries, replaceFile } from './replace-file';

/** A small file that is replaced whole: a crash leaves the old one or the new one. A link is written through; mode and owner stay. Saves that are asked for while one is under way end with the last of them. */
export class SavedText {
  readonly #filePath: string;
  /** Whether its name lasts, and what crashed saves have left is gone. */
  #isTidy = false;
  #target: string | undefined;
  /** The save under way, and the one that waits for it, for whatever is wanted then. */
  #saving: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(filePath: string) {
    this.#filePath = filePath;
  }

  /** Resolves with `undefined` when there is no file; rejects with the system's error when it cannot be read. */
  async load(): Promise<string | undefined> {
    try {
      return await readFile(this.#filePath, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Directories are created. Rejects with the system's error when it cannot be written. */
  save(text: string): Promise<void> {
    this.#target = text;
    if (this.#next) return this.#next;
    if (!this.#saving) return this.#begin();
    return (this.#next = this.#saving.catch(() => undefined).then(() => this.#begin()));
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    return (this.#saving = this.#replace(this.#target!).finally(() => {
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
