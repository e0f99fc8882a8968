import { constants } from 'node:fs';
import { access, copyFile, link, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileAppendSink } from '../../file/file-append-sink';
import { carryMode, modeOf, type FileMode } from '../../file/disk/file-mode';
import { findSegments, manifestPath, newManifest, saveManifest } from '../../file/store/manifest';
import { JsonEntrySerializer } from '../../flush/json-entry-serializer';
import type { Position, Positioned } from '../../journal/position';
import type { RepairedJournal } from './counted-journal';
import { forgetPartial, trackPartial } from './partial-files';

const BATCH_LINES = 1000;
const BATCH_LENGTH = 1024 * 1024;

/** A journal that is written line by line, and appears when it is complete, or not at all. */
export class NewJournal implements RepairedJournal {
  readonly filePath: string;
  /** The position of its first line. */
  readonly first: Position;
  readonly #partial: string;
  readonly #sink: FileAppendSink<undefined>;
  #last: Position;
  #records: Positioned<undefined>[] = [];
  #lines: string[] = [];
  #length = 0;

  private constructor(filePath: string, first: Position) {
    this.filePath = filePath;
    this.first = first;
    this.#last = first - 1;
    this.#partial = `${filePath}.${process.pid}.partial`;
    this.#sink = new FileAppendSink({ filePath: this.#partial, serializer: new JsonEntrySerializer<undefined>() });
    for (const file of this.#files) trackPartial(file);
  }

  /**
   * Begins a journal. If it begins past position 1, a second file beside it records that.
   *
   * Rejects if the file exists, or others that belong to a journal of this name.
   *
   * @param like - the mode and the owner that it gets: those of the file that it is made from
   */
  static async create(filePath: string, like: FileMode | undefined, first: Position = 1): Promise<NewJournal> {
    for (const taken of [filePath, manifestPath(filePath), ...(await segmentsOf(filePath))]) {
      if (await exists(taken)) throw alreadyThere(taken);
    }
    await mkdir(dirname(filePath), { recursive: true });
    const journal = new NewJournal(filePath, first);
    try {
      const file = await open(journal.#partial, 'w', modeOf(like));
      await (like ? carryMode(file, like) : Promise.resolve()).finally(() => file.close());
      if (first > 1) await saveManifest(journal.#partial, newManifest(first));
      return journal;
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  /** The position of its last line; `first - 1` if there is none. */
  get last(): Position {
    return this.#last;
  }

  /** Adds the line of the next position. If it returns a promise, wait for it before the next line. */
  add(line: string): Promise<void> | undefined {
    this.#records.push({ position: ++this.#last, entry: undefined });
    this.#lines.push(line);
    this.#length += line.length;
    return this.#lines.length >= BATCH_LINES || this.#length >= BATCH_LENGTH ? this.#flush() : undefined;
  }

  /** Syncs everything to the disk, and closes the files. */
  async seal(): Promise<void> {
    await this.#flush();
    await this.#sink.close();
    const file = await open(this.#partial, 'r+');
    await file.sync().finally(() => file.close());
  }

  /** Puts the sealed journal under its name. */
  async commit(): Promise<void> {
    const record = manifestPath(this.filePath);
    if (this.first > 1) await publish(manifestPath(this.#partial), record);
    try {
      await publish(this.#partial, this.filePath);
    } catch (error) {
      if (this.first > 1) await rm(record, { force: true });
      throw error;
    }
  }

  /** Removes everything that was not committed. */
  async close(): Promise<void> {
    await this.#sink.close();
    for (const file of this.#files) {
      await rm(file, { force: true });
      forgetPartial(file);
    }
  }

  get #files(): string[] {
    return [this.#partial, manifestPath(this.#partial)];
  }

  async #flush(): Promise<void> {
    const records = this.#records;
    const lines = this.#lines;
    this.#records = [];
    this.#lines = [];
    this.#length = 0;
    if (records.length === 0) return;
    await this.#sink.append(records, lines).catch((error: unknown) => {
      // The error of a handle does not name its file.
      throw Object.assign(error as Error, { path: this.filePath });
    });
  }
}

/** Unlike a rename, this does not replace a file that was created meanwhile. */
async function publish(partial: string, filePath: string): Promise<void> {
  try {
    await link(partial, filePath).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
      // A file system without links.
      return copyFile(partial, filePath, constants.COPYFILE_EXCL);
    });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? alreadyThere(filePath) : error;
  }
}

async function segmentsOf(filePath: string): Promise<string[]> {
  if (!(await exists(dirname(filePath)))) return [];
  return (await findSegments(filePath)).map((segment) => segment.filePath);
}

function exists(filePath: string): Promise<boolean> {
  return access(filePath).then(
    () => true,
    () => false,
  );
}

function alreadyThere(filePath: string): Error {
  return new Error(`${filePath} is there already, and is not overwritten`);
}
