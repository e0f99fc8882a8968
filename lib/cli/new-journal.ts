import { constants, rmSync } from 'node:fs';
import { access, copyFile, link, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileAppendSink } from '../file/file-append-sink';
import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import type { Position, Positioned } from '../journal/position';

const BATCH_LINES = 1000;
const BATCH_LENGTH = 1024 * 1024;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A journal that is written line by line, and is there once it is complete, or not at all. */
export class NewJournal {
  readonly #filePath: string;
  readonly #partial: string;
  readonly #sink: FileAppendSink<undefined>;
  #records: Positioned<undefined>[] = [];
  #lines: string[] = [];
  #length = 0;

  private constructor(filePath: string, partial: string) {
    this.#filePath = filePath;
    this.#partial = partial;
    this.#sink = new FileAppendSink({ filePath: partial, serializer: new JsonEntrySerializer<undefined>() });
    for (const signal of SIGNALS) process.once(signal, this.#abandon);
  }

  /** Rejects when the file is there already. */
  static async create(filePath: string): Promise<NewJournal> {
    const exists = await access(filePath).then(
      () => true,
      () => false,
    );
    if (exists) throw alreadyThere(filePath);
    await mkdir(dirname(filePath), { recursive: true });
    const partial = `${filePath}.${process.pid}.partial`;
    const journal = new NewJournal(filePath, partial);
    try {
      await (await open(partial, 'w')).close();
      return journal;
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  /** Adds the line of the next position; returns a promise when the next one had better wait for it. */
  add(position: Position, line: string): Promise<void> | undefined {
    this.#records.push({ position, entry: undefined });
    this.#lines.push(line);
    this.#length += line.length;
    return this.#lines.length >= BATCH_LINES || this.#length >= BATCH_LENGTH ? this.#flush() : undefined;
  }

  /** Puts the journal under its name, synced. */
  async commit(): Promise<void> {
    await this.#flush();
    await this.#sink.close();
    const file = await open(this.#partial, 'r+');
    await file.sync().finally(() => file.close());
    try {
      // Unlike a rename, neither replaces a file that came to be there meanwhile.
      await link(this.#partial, this.#filePath).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
        // A file system without links.
        return copyFile(this.#partial, this.#filePath, constants.COPYFILE_EXCL);
      });
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? alreadyThere(this.#filePath) : error;
    }
  }

  /** Leaves nothing behind but what was committed. */
  async close(): Promise<void> {
    await this.#sink.close();
    await rm(this.#partial, { force: true });
    for (const signal of SIGNALS) process.removeListener(signal, this.#abandon);
  }

  async #flush(): Promise<void> {
    const records = this.#records;
    const lines = this.#lines;
    this.#records = [];
    this.#lines = [];
    this.#length = 0;
    await this.#sink.append(records, lines).catch((error: unknown) => {
      // A handle does not say what it is of.
      throw Object.assign(error as Error, { path: this.#filePath });
    });
  }

  readonly #abandon = (signal: NodeJS.Signals): void => {
    rmSync(this.#partial, { force: true });
    // Not caught any more: this is the end.
    process.kill(process.pid, signal);
  };
}

function alreadyThere(filePath: string): Error {
  return new Error(`${filePath} is there already, and is not overwritten`);
}
