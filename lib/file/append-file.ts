import { open, type FileHandle } from 'node:fs/promises';
import { syncDirectory } from './directory';
import { readBlocks, type Block } from './read-blocks';

/** 'os': handed to the operating system; 'disk': synced to the disk. */
export type Durability = 'os' | 'disk';

/** A file that grows by whole batches: one that fails is taken back, so that the next is not glued to half of it. */
export class AppendFile {
  readonly #durability: Durability;
  #bytes: number;
  /** Why a batch failed that could not be taken back. */
  #broken: unknown;

  private constructor(
    readonly handle: FileHandle,
    /** Whether it can be read back: a device cannot. */
    readonly isRegular: boolean,
    bytes: number,
    durability: Durability,
  ) {
    this.#bytes = bytes;
    this.#durability = durability;
  }

  /** Opens a file for appending; it is created when it is missing. */
  static async open(filePath: string, durability: Durability): Promise<AppendFile> {
    const handle = await open(filePath, 'a+');
    try {
      const stats = await handle.stat();
      // Its name is to last as its content does, if it has just appeared.
      if (durability === 'disk' && stats.size === 0 && stats.isFile()) await syncDirectory(filePath);
      return new AppendFile(handle, stats.isFile(), stats.size, durability);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Appends all chunks, or none; resolves with the number of bytes. */
  async append(chunks: Iterable<Uint8Array>): Promise<number> {
    if (this.#broken !== undefined) {
      await this.truncate(this.#bytes).catch(() => {
        throw this.#broken;
      });
    }
    let bytes = this.#bytes;
    try {
      for (const chunk of chunks) bytes += await this.#write(chunk);
      if (this.#durability === 'disk') await this.handle.datasync();
      const appended = bytes - this.#bytes;
      this.#bytes = bytes;
      return appended;
    } catch (error) {
      await this.truncate(this.#bytes).catch(() => (this.#broken = error));
      throw error;
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Everything in it; nothing where it cannot be read back. */
  async *blocks(): AsyncGenerator<Block, void> {
    if (this.isRegular) yield* readBlocks(this.handle);
  }

  /** Which file it is, whatever its name. */
  async identify(): Promise<{ ino: bigint; bytes: number; bornMs: number }> {
    const { ino, birthtimeMs } = await this.handle.stat({ bigint: true });
    return { ino, bytes: this.#bytes, bornMs: this.#bytes === 0 ? Date.now() : Number(birthtimeMs) };
  }

  /** Cuts off what stands from an offset on. */
  async truncate(bytes: number): Promise<void> {
    await this.handle.truncate(bytes);
    this.#bytes = bytes;
    this.#broken = undefined;
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  /** A write may take less than it is given, and say nothing: https://man7.org/linux/man-pages/man2/write.2.html */
  async #write(chunk: Uint8Array): Promise<number> {
    for (let from = 0; from < chunk.length;) {
      const { bytesWritten } = await this.handle.write(chunk, from, chunk.length - from, null);
      if (bytesWritten === 0) throw new Error(`The file takes no more bytes at ${this.#bytes + from}`);
      from += bytesWritten;
    }
    return chunk.length;
  }
}
