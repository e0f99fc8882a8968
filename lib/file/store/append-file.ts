import { fdatasyncSync, fstatSync, ftruncateSync, statSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { syncDirectory } from '../disk/directory';
import { carryMode, modeOf, type FileMode } from '../disk/file-mode';
import { readBlocks, type Block, type Extent, type IsForeign } from '../disk/read-blocks';

/** 'os': handed to the operating system; 'disk': synced to the disk. */
export type Durability = 'os' | 'disk';

/** So long is a write waited for that is under way when the process ends; it is taken to have ended short when nothing comes for so long. */
const SETTLE_MS = 5_000;
const SHORT_MS = 250;

/** A file that grows by whole batches: one that fails is taken back, so that the next is not glued to half of it. */
export class AppendFile {
  readonly #durability: Durability;
  #bytes: number;
  /** Why a batch failed that could not be taken back. */
  #broken: unknown;
  /** The size that the file has when the write under way is done. */
  #targetBytes: number | undefined;
  #readers = 0;
  /** Called when nobody reads any more. */
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
   * @param like - whose mode and owner it gets when it is created
   */
  static async open(filePath: string, durability: Durability, like?: FileMode): Promise<AppendFile> {
    const created = like && (await create(filePath, like));
    const handle = created ?? (await open(filePath, 'a+'));
    try {
      if (created) await carryMode(handle, like);
      const { size, ino } = await handle.stat({ bigint: true });
      const isRegular = (await handle.stat()).isFile();
      // Its name is to last as its content does, if it has just appeared.
      if (durability === 'disk' && size === 0n && isRegular) await syncDirectory(filePath);
      return new AppendFile(handle, isRegular, ino, Number(size), durability);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Whether half a batch may stand at its end. */
  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  /**
   * Whether it still has its name, and can be appended to.
   *
   * Rejects with {@link CorruptJournalError} if somebody else has cut it, or has appended to it.
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
   * Appends a chunk before it returns, in the place of whatever an {@link AppendFile.append} under way has written: the end of a process waits for nobody.
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

  /** Waits for the write under way: it cannot be called back, and would come after what is written now. */
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
    throw new Error('A write that is under way does not end');
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Everything in it; nothing where it cannot be read back. */
  async *blocks(isForeign?: IsForeign): AsyncGenerator<Block, void> {
    if (this.isRegular) yield* readBlocks(this.handle, { isForeign });
  }

  /** What stands between two offsets; it is not closed before that was read. */
  async *read(extent: Extent): AsyncGenerator<Block, void> {
    this.#readers++;
    try {
      yield* readBlocks(this.handle, extent);
    } finally {
      if (--this.#readers === 0) this.#unread?.();
    }
  }

  /** Cuts off what stands from an offset on. */
  async truncate(bytes: number): Promise<void> {
    await this.handle.truncate(bytes);
    this.#bytes = bytes;
    this.#broken = undefined;
  }

  async close(): Promise<void> {
    if (this.#readers > 0) await new Promise<void>((resolve) => (this.#unread = resolve));
    await this.handle.close();
  }

  /** A write may take less than it is given, and say nothing: https://man7.org/linux/man-pages/man2/write.2.html */
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

/** Throws for a file that does not end where its writer has left it. */
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
