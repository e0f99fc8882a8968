import { fdatasyncSync, fstatSync, ftruncateSync, statSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { syncDirectory } from '../disk/directory';
import { carryMode, modeOf, type FileMode } from '../disk/file-mode';
import { readBlocks, type Block, type Extent, type IsForeign } from '../disk/read-blocks';

/** 'os': handed to the operating system; 'disk': synced to the disk. */
export type Durability = 'os' | 'disk';

/** How long the end of the process waits for a pending write; if nothing is written for that long, the write counts as ended short. */
const SETTLE_MS = 5_000;
const SHORT_MS = 250;

/** A file that grows by whole batches: a batch that fails is taken back, so that the next one does not follow half of it. */
export class AppendFile {
  readonly #durability: Durability;
  #bytes: number;
  /** The error of a batch that could not be taken back. */
  #broken: unknown;
  /** The file's size after the pending write. */
  #targetBytes: number | undefined;
  #readers = 0;
  /** Called when the last reader has ended. */
  #unread: (() => void) | undefined;

  private constructor(
    readonly handle: FileHandle,
    /** Whether it can be read back: a device cannot. */
    readonly isRegular: boolean,
    readonly ino: bigint,
    bytes: number,
    durability: Durability,
  ) {
    this.#bytes = bytes;
    this.#durability = durability;
  }

  /**
   * Opens a file for appending; it is created if it is missing.
   *
   * @param like - the file whose mode and owner it gets if it is created
   */
  static async open(filePath: string, durability: Durability, like?: FileMode): Promise<AppendFile> {
    const created = like && (await create(filePath, like));
    const handle = created ?? (await open(filePath, 'a+'));
    try {
      if (created) await carryMode(handle, like);
      const { size, ino } = await handle.stat({ bigint: true });
      const isRegular = (await handle.stat()).isFile();
      // If the file is new, its name must be as durable as its content.
      if (durability === 'disk' && size === 0n && isRegular) await syncDirectory(filePath);
      return new AppendFile(handle, isRegular, ino, Number(size), durability);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Whether its end may hold half a batch. */
  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  /**
   * Whether it still has its name, and can be appended to.
   *
   * Rejects with {@link CorruptJournalError} if another program has cut it or appended to it.
   */
  async isInPlace(filePath: string): Promise<boolean> {
    const found = statSync(filePath, { bigint: true, throwIfNoEntry: false });
    if (found?.ino !== this.ino) return false;
    if (this.isBroken) await this.mend();
    else assertSize(filePath, Number(found.size), this.#bytes);
    return true;
  }

  /** Cuts off half a batch that could not be taken back; rejects with what failed the batch. */
  async mend(): Promise<void> {
    if (!this.isBroken) return;
    const broken = this.#broken;
    await this.truncate(this.#bytes).catch(() => {
      throw broken;
    });
  }

  /** Appends all chunks, or none; resolves with the number of bytes. */
  async append(chunks: Iterable<Uint8Array>): Promise<number> {
    await this.mend();
    const start = this.#bytes;
    let bytes = start;
    // All of it was appended meanwhile, synchronously.
    const isOvertaken = () => this.#bytes !== start;
    try {
      for (const chunk of chunks) {
        bytes += await this.#write(chunk, bytes, isOvertaken);
        if (isOvertaken()) return 0;
      }
      if (this.#durability === 'disk') await this.handle.datasync();
      if (isOvertaken()) return 0;
      this.#bytes = bytes;
      return bytes - start;
    } catch (error) {
      if (isOvertaken()) return 0;
      await this.truncate(this.#bytes).catch(() => (this.#broken = error));
      throw error;
    }
  }

  /**
   * Appends a chunk synchronously, replacing what a pending {@link AppendFile.append} has written: the end of a process cannot wait for it.
   *
   * Throws the system's error, with nothing appended.
   */
  appendSync(chunk: Uint8Array): void {
    const { fd } = this.handle;
    this.#settle(fd);
    const start = this.#bytes;
    if (fstatSync(fd).size > start) ftruncateSync(fd, start);
    try {
      for (let from = 0; from < chunk.length;) from += writeSync(fd, chunk, from, chunk.length - from, null);
      if (this.#durability === 'disk') fdatasyncSync(fd);
    } catch (error) {
      ftruncateSync(fd, start);
      throw error;
    }
    this.#bytes += chunk.length;
    this.#broken = undefined;
  }

  /** Waits for the pending write: it cannot be cancelled, and would land after what is written now. */
  #settle(fd: number): void {
    if (this.#targetBytes === undefined) return;
    const clock = new Int32Array(new SharedArrayBuffer(4));
    let size = -1;
    for (let ms = 0, still = 0; ms < SETTLE_MS; ms++, still++) {
      const found = fstatSync(fd).size;
      if (found >= this.#targetBytes || (found > this.#bytes && still > SHORT_MS)) return;
      if (found !== size) still = 0;
      size = found;
      Atomics.wait(clock, 0, 0, 1);
    }
    throw new Error('A pending write does not end');
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The whole content; nothing if it cannot be read back. */
  async *blocks(isForeign?: IsForeign): AsyncGenerator<Block, void> {
    if (this.isRegular) yield* readBlocks(this.handle, { isForeign });
  }

  /** The content between two offsets; the file stays open until it is read. */
  async *read(extent: Extent): AsyncGenerator<Block, void> {
    this.#readers++;
    try {
      yield* readBlocks(this.handle, extent);
    } finally {
      if (--this.#readers === 0) this.#unread?.();
    }
  }

  /** Cuts off everything from an offset on. */
  async truncate(bytes: number): Promise<void> {
    await this.handle.truncate(bytes);
    this.#bytes = bytes;
    this.#broken = undefined;
  }

  async close(): Promise<void> {
    if (this.#readers > 0) await new Promise<void>((resolve) => (this.#unread = resolve));
    await this.handle.close();
  }

  /** A write may be short without an error: https://man7.org/linux/man-pages/man2/write.2.html */
  async #write(chunk: Uint8Array, at: number, isOvertaken: () => boolean): Promise<number> {
    for (let from = 0; from < chunk.length && !isOvertaken();) {
      this.#targetBytes = at + chunk.length;
      const { bytesWritten } = await this.handle
        .write(chunk, from, chunk.length - from, null)
        .finally(() => (this.#targetBytes = undefined));
      if (bytesWritten === 0) throw new Error(`The file takes no more bytes at ${this.#bytes + from}`);
      from += bytesWritten;
    }
    return chunk.length;
  }
}

/** Throws if a file does not end where its writer left it. */
export function assertSize(filePath: string, found: number, expected: number): void {
  if (found === expected) return;
  const verb = found < expected ? 'cut the file to' : 'appended to the file: it has';
  const reason = `somebody has ${verb} ${found} bytes, of ${expected}`;
  throw new CorruptJournalError({ filePath, line: 1, byteOffset: Math.min(found, expected), reason });
}

async function create(filePath: string, like: FileMode): Promise<FileHandle | undefined> {
  try {
    return await open(filePath, 'ax+', modeOf(like));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return undefined;
  }
}
