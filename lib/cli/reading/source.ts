import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import type { FileMode } from '../../file/disk/file-mode';
import { located } from '../../file/follow/files-reader';
import { findSegments, loadManifest } from '../../file/store/manifest';
import type { Position } from '../../journal/position';

/** Lines that are read once, from the beginning: of standard input, a pipe, a compressed file, or a closed segment. */
export interface Source {
  /** Its name in messages. */
  readonly name: string;
  readonly bytes: AsyncIterable<Buffer>;
  /** The position that it begins with, if its name says so. */
  readonly first: Position | undefined;
  readonly close: () => void;
}

/** What stands for the standard input on a command line. */
export const STANDARD_INPUT = '-';

const SEGMENT = /\.(\d{16})(?:\.gz)?$/;
const GZIP = Buffer.of(0x1f, 0x8b);

/** The position that a closed segment begins with, according to its name. */
export function segmentFirst(filePath: string): Position | undefined {
  const first = Number(SEGMENT.exec(basename(filePath))?.[1] ?? 0);
  return Number.isSafeInteger(first) && first > 0 ? first : undefined;
}

/** Whether something is read once, and is not a journal that grows. */
export async function isSource(filePath: string): Promise<boolean> {
  if (filePath === STANDARD_INPUT) return true;
  const found = await stat(filePath).catch(() => undefined);
  if (found === undefined || found.isDirectory()) return false;
  return !found.isFile() || segmentFirst(filePath) !== undefined || (await isCompressedFile(filePath));
}

/** Opens a pipe, a closed segment or a compressed file; `undefined` for a journal, and for a missing file. */
export async function openSource(filePath: string, stdin: Readable): Promise<Source | undefined> {
  if (filePath === STANDARD_INPUT) return sourceOf('standard input', stdin);
  const found = await stat(filePath).catch(() => undefined);
  if (found === undefined || found.isDirectory()) return undefined;
  const first = segmentFirst(filePath);
  if (!found.isFile()) return sourceOf(filePath, createReadStream(filePath), first);
  const compressed = await isCompressedFile(filePath);
  if (!compressed && first === undefined) return undefined;
  const file = createReadStream(filePath);
  // The reader gets the error.
  const bytes = compressed ? pipeline(file, createGunzip(), () => undefined) : file;
  return sourceOf(filePath, bytes, first);
}

export function sourceOf(name: string, bytes: Readable, first?: Position): Source {
  return { name, bytes, first, close: () => void bytes.destroy() };
}

/** The size of a journal's active file in bytes; 0 if it is unknown. */
export async function journalSize(name: string): Promise<number> {
  if (name === STANDARD_INPUT) return 0;
  const filePath = await located(name);
  try {
    return (await stat(filePath)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // A rotation, or a crash between its two steps, leaves only closed segments, and they may be retired by now.
    if ((await findSegments(filePath)).length > 0 || (await loadManifest(filePath)).id !== undefined) return 0;
    throw error;
  }
}

/** The mode and the owner of a file; `undefined` for a pipe, and if there is no file. */
export async function modeOfSource(filePath: string): Promise<FileMode | undefined> {
  const found = await stat(filePath).catch(() => undefined);
  return found?.isFile() === true ? found : undefined;
}

/** Whether a file is compressed, or has the name of a compressed file. */
export async function isCompressedFile(filePath: string): Promise<boolean> {
  if ((await stat(filePath).catch(() => undefined))?.isFile() !== true) return false;
  const file = await open(filePath, 'r').catch((error: unknown) => {
    // Rotated in between: the reader will find it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return false;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(GZIP.length), 0, GZIP.length, 0);
    return bytesRead === 0 ? filePath.endsWith('.gz') : buffer.equals(GZIP);
  } finally {
    await file.close();
  }
}

/** The error that reading a source failed with. */
export function sourceError({ name }: Source, line: number, error: unknown): unknown {
  if (!String((error as NodeJS.ErrnoException | undefined)?.code).startsWith('Z_')) return error;
  const reason = 'it cannot be decompressed from here on; `rx-scrivener repair` keeps what can be read';
  return new CorruptJournalError({ filePath: name, line, byteOffset: 0, reason }, { cause: error });
}
