import { readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shown } from '../../errors/assert-argument';

/** The path of a file given as a string or a `file:` URL. Throws a TypeError that names the argument for anything else. */
export function pathOf(name: string, value: unknown): string {
  if (value instanceof URL) {
    if (value.protocol === 'file:') return fileURLToPath(value);
    throw new TypeError(`Expected \`${name}\` to be a path or a file: URL, got a URL of ${value.protocol}`);
  }
  if (typeof value !== 'string') throw new TypeError(`Expected \`${name}\` to be a path, got ${shown(value)}`);
  if (value === '') throw new TypeError(`Expected \`${name}\` to be a path, got an empty string`);
  if (/^file:/i.test(value)) {
    throw new TypeError(`Expected \`${name}\` to be a path, or a URL as an object: new URL(${shown(value)})`);
  }
  if (value.includes('\0')) throw new TypeError(`Expected \`${name}\` to be a path, got one with a NUL character`);
  return value;
}

/** {@link pathOf}, from where the process is now. */
export function absolutePathOf(name: string, value: unknown): string {
  return resolve(pathOf(name, value));
}

/** The path with links followed, whether or not the file exists. */
export async function targetOf(filePath: string, links = 40): Promise<string> {
  try {
    return await realpath(filePath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || links === 0) throw error;
  }
  const path = join(await realpath(dirname(filePath)), basename(filePath));
  const link = await readlink(path).catch(() => undefined);
  return link === undefined ? path : targetOf(resolve(dirname(path), link), links - 1);
}

/** The longest possible name, in bytes: https://man7.org/linux/man-pages/man7/path_resolution.7.html */
const MAX_NAME_BYTES = 255;
/** The longest suffix of a file beside a journal: a segment's, and eight digits for a file that took its place. */
const MAX_ENDING_BYTES = '.0000000000000001.00000000'.length;

/** Throws a `RangeError` for a journal whose name leaves no room for the names of the files beside it: otherwise a rotation would fail much later. */
export function assertRoomBeside(filePath: string): void {
  const bytes = Buffer.byteLength(basename(filePath));
  const max = MAX_NAME_BYTES - MAX_ENDING_BYTES;
  if (bytes <= max) return;
  throw new RangeError(
    `Expected a name of at most ${max} bytes in \`filePath\`, for the names of the files beside it (.lock, .segments, closed segments), got one of ${bytes}`,
  );
}
