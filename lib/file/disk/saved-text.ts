import { readFile } from 'node:fs/promises';
import { syncDirectory } from './directory';
import { targetOf } from './file-path';
import { removeTemporaries, replaceFile } from './replace-file';

/** A small file that is replaced as a whole: a crash leaves the old one or the new one. Follows links; keeps mode and owner. Saves requested during a save are combined: only the last is written. */
export class SavedText {
  readonly #filePath: string;
  /** Whether its directory is synced, and the remains of crashed saves are removed. */
  #isTidy = false;
  #target: string | undefined;
  /** The current save, and the one that waits for it and saves the newest text. */
  #saving: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(filePath: string) {
    this.#filePath = filePath;
  }

  /** Resolves with `undefined` if there is no file; rejects with the system's error if it cannot be read. */
  async load(): Promise<string | undefined> {
    try {
      return await readFile(this.#filePath, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Creates directories. Rejects with the system's error if the file cannot be written. */
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
